"""Line protocol: every observation is one line, the same for every store.

    heart_rate,area=330106001001,device=watch,home=h1,model=acme-watch value=71 1795312800250

The measurement is the property, in its one unit. The one field is a float (no suffix); booleans are 0 and 1, since VictoriaMetrics
stores numbers alone and makes 0 of every text without a word, and since one form means one dashboard for all stores. Milliseconds, the
finest that all of them have. Tags stand in the order of their names, as the stores keep them; a device without a model has no such tag.

Source: InfluxDB v1.8 and v2 documentation, "Line protocol"; the same text is what VictoriaMetrics reads.
"""

import re
from collections.abc import Iterator

from devices.home import ModelId
from devices.message import Heard
from gateway.store.segments import micros

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_SPECIAL = re.compile(r"([,= ])")


def tag(value: str) -> str:
    """Escaped. A backslash, which servers read differently, and control characters, which end a line, become `_`."""
    return _SPECIAL.sub(r"\\\1", _UNSAFE.sub("_", value))


def tags(heard: Heard, model: ModelId | None) -> str:
    """The tag set of a device, with its leading comma."""
    device = f",area={tag(heard.area)},device={tag(heard.device)},home={tag(heard.home)}"
    return f"{device},model={tag(model)}" if model else device


def number(value: float) -> str:
    """As a float field: `71`, `36.6`, `1e-07`; true is `1`."""
    return repr(int(value)) if isinstance(value, int) else repr(value)


def lines(heard: Heard, tag_set: str) -> Iterator[str]:
    """Of one report, each without its newline."""
    at = micros(heard.report.observed_at) // 1000
    for o in heard.report.observations:
        yield f"{o.property}{tag_set} value={number(o.value)} {at}"
