"""The welfare list of an area's alert as the API shows it; who looks is recorded, home by home, for it tells of age and illness."""

from alerting.terms import AlertId
from devices.home import HomeId
from gateway.web import paging
from gateway.web.auth import Identity
from gateway.web.desk import Desk
from gateway.web.present import area_name, residents
from gateway.web.shapes import Page, WelfareShape
from gateway.web.welfare import Listed, Risk, place_in_list, risk

WELFARE_FIRST = 200
"""Homes that come with the alert itself."""


def welfare_page(desk: Desk, alert: AlertId, who: Identity, cursor: str | None, limit: int) -> Page[WelfareShape]:
    year = desk.condition.now().year
    alerted = _alerted(desk, alert)
    found: dict[str, tuple[Listed, Risk]] = {}
    for home, listed in desk.views.places.welfare.of(alert).items():
        of = risk(desk.views.places, home, year, alerted=home in alerted)
        found[place_in_list(listed, of)] = (listed, of)
    keys, following = paging.page(found, cursor, limit)
    for key in keys:
        desk.users.looked(who.user, found[key][0].home, f"welfare list of alert {alert}")
    return Page(items=[_shape(desk, *found[key], alerted) for key in keys], next=following)


def welfare_row(desk: Desk, alert: AlertId, home: HomeId, who: Identity) -> WelfareShape:
    """One home of the list; KeyError for one that is not on it."""
    desk.users.looked(who.user, home, f"welfare list of alert {alert}")
    alerted = _alerted(desk, alert)
    of = risk(desk.views.places, home, desk.condition.now().year, alerted=home in alerted)
    return _shape(desk, desk.views.places.welfare.of(alert)[home], of, alerted)


def _alerted(desk: Desk, but: AlertId) -> dict[HomeId, list[str]]:
    """The open alerts of the listed homes that stand for themselves, by home."""
    homes = desk.views.places.welfare.of(but)
    found: dict[HomeId, list[str]] = {}
    for record in desk.views.board.open():
        if record.alert.home in homes and record.alert.folded_into is None:
            found.setdefault(record.alert.home, []).append(str(record.alert.id))
    return found


def _shape(desk: Desk, listed: Listed, of: Risk, alerted: dict[HomeId, list[str]]) -> WelfareShape:
    places, home = desk.views.places, desk.views.places.homes.get(listed.home)
    return WelfareShape(
        home=listed.home,
        home_name=home.name if home else "",
        area_name=area_name(places, home.area) if home else "",
        residents=residents(places, listed.home),
        phone=home.phone if home else "",
        age=of.age,
        risk=list(of.reasons),
        dark=listed.dark,
        dark_since=listed.since,
        back_at=listed.back_at,
        last_sign_at=of.last_sign_at,
        result=listed.result,
        checked_at=listed.checked_at,
        checked_by=listed.by,
        note=listed.note,
        open_alerts=alerted.get(listed.home, []),
    )
