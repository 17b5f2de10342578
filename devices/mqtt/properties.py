"""What a packet of MQTT 5.0 may say besides its own fields: all 27 properties as one closed value (2.2.2.2)."""

import msgspec

FOREVER = 0xFFFF_FFFF
"""A session expiry interval that never passes (3.1.2.11.2)."""


class Properties(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """None, or nothing in a tuple: it was not said. Intervals in seconds, sizes in bytes. `table.py` says what may stand where."""

    payload_format: int | None = None
    """1: the payload is UTF-8."""
    message_expiry: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_ids: tuple[int, ...] = ()
    session_expiry: int | None = None
    assigned_client_id: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user: tuple[tuple[str, str], ...] = ()
    """Names and values in their order; a name may come again."""
    maximum_packet_size: int | None = None
    wildcards_available: int | None = None
    subscription_ids_available: int | None = None
    shared_available: int | None = None

    def __repr__(self) -> str:
        """Only what was said."""
        said = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return f"Properties({', '.join(f'{name}={value!r}' for name, value in said if value not in (None, ()))})"


NONE = Properties()
"""Of every packet that says none."""
