"""Who an alert can be handed to: somebody who can open the desk and act there. A name that is nobody's would keep the alert from ringing
until the claim lapses, in nobody's hands; it is refused, and the alert stays as it is.
"""

from alerting.roster import RosterId, StaffId
from gateway.web.auth import RIGHTS, Right
from gateway.web.desk import Desk
from gateway.web.problems import unprocessable


def receiver(desk: Desk, to: str) -> str:
    """The user name that `to` stands for: a user's, a member of staff's (their id), or whoever of a roster (its id) is on now.

    422 where it is nobody's, or only somebody's who cannot act at the desk.
    """
    wanted, duties = to.strip(), desk.views.places.duties
    staff, roster = duties.staff.get(StaffId(wanted)), duties.rosters.get(RosterId(wanted))
    if desk.users.user(wanted) is not None:
        names, why = [wanted], (f"{wanted} 的账号已停用或无权处理告警", f"{wanted} is disabled or may not act on alerts")
    elif staff is not None:
        names, why = [staff.user], (f"值班人员 {wanted} 没有可用的值守账号", f"{wanted} of the staff has no user who may act on alerts")
    elif roster is not None:
        names = [duties.staff[id_].user for id_ in duties.present.get(roster.id, ()) if id_ in duties.staff]
        why = (f"值班表 {wanted} 此刻没有可接手的人", f"nobody who is on in roster {wanted} now may act on alerts")
    else:
        short = wanted[:80]
        names, why = [], (f"没有名为 {short} 的用户、值班人员或值班表", f"there is no user, member of staff or roster {short!r}")
    found = next((name for name in names if _may_act(desk, name)), None)
    if found is None:
        raise unprocessable("to", why[1], place="body", zh=why[0])
    return found


def _may_act(desk: Desk, name: str) -> bool:
    user = desk.users.user(name) if name else None
    return user is not None and not user.disabled and Right.ACT in RIGHTS[user.role]
