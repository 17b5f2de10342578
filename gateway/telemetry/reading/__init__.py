"""Charts read back from the stores outside, with the numbers that the embedded history would give."""

from gateway.outside_stores import Influx1, Influx2, Store, VictoriaMetrics
from gateway.store.history import Charts
from gateway.telemetry.reading.flux import FluxCharts
from gateway.telemetry.reading.influxql import InfluxQLCharts
from gateway.telemetry.reading.victoria import VictoriaCharts


def open_charts(store: Store) -> Charts:
    """Connects to nobody before it is asked."""
    match store:
        case Influx1():
            return InfluxQLCharts(store)
        case Influx2():
            return FluxCharts(store)
        case VictoriaMetrics():
            return VictoriaCharts(store)
