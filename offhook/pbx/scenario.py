"""SIPp scenarios: what called people and agents do on the wire.

Everything that a scenario does it also writes to its log, one line each with SIPp's own clock:
`CALL-ID what number`. `offhook.pbx.record` reads it.
"""

from collections.abc import Sequence
from pathlib import Path

from offhook.pbx.install import Installed
from offhook.pbx.media import Media
from offhook.pbx.numbers import RINGS_S, TALKS_S, Behaviour, Keys

_REFUSALS = {
    Behaviour.busy: (486, "Busy Here"),
    Behaviour.invalid: (404, "Not Found"),
    Behaviour.rejected: (603, "Decline"),
    Behaviour.unavailable: (480, "Temporarily Unavailable"),
    Behaviour.failed: (503, "Service Unavailable"),
}
_HEAD = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="{name}">
"""
_TAIL = """
<label id="done"/>
<timewait milliseconds="1000"/>
</scenario>
"""


def people(installed: Installed, media: Media) -> str:
    """Called people: what each does is in the digits of the number that was called."""
    parts = [_HEAD.format(name="people"), _invited(), _branches()]
    parts += [_refused(kind, *status) for kind, status in _REFUSALS.items()]
    parts += [_rings(), _cancelled(), _answer(), _said(installed, media), _talks()]
    return "".join([*parts, _waiting("hang_up"), _hang_up(), _TAIL])


def agents(media: Media | None) -> str:
    """Agents whose telephones answer at once and never hang up; with `media` they talk."""
    audio = _play(media.agent, -1) if media is not None else ""
    return "".join(
        [
            _HEAD.format(name="agents"),
            '<recv request="INVITE" crlf="true"><action>'
            '<ereg regexp="sip:[^@ ]*" search_in="hdr" header="To:" assign_to="called"/>'
            f"{_log('invite', '[$called]')}</action></recv>\n",
            _answer(),
            audio,
            '<label id="talk9"/>\n',
            _waiting(None),
            _TAIL,
        ]
    )


def caller(calling: str, steps: Sequence[str], *, leaves_ms: int) -> str:
    """Somebody who calls, does the steps once he is answered, and waits to be let go; he hangs up
    himself after a while.
    """
    patience = f'timeout="{leaves_ms}" ontimeout="leave"'
    return "".join(
        [
            _HEAD.format(name="caller"),
            _invite(calling),
            '<recv response="100" optional="true"/>\n<recv response="180" optional="true"/>\n'
            '<recv response="183" optional="true"/>\n<recv response="200" rrs="true"/>\n',
            _within("ACK", calling, 1),
            '<pause milliseconds="500"/>\n',
            *steps,
            f'<label id="stays"/>\n<recv request="BYE" next="let_go" {patience}/>\n',
            '<label id="leave"/>\n',
            _within("BYE", calling, 1000),
            '<recv response="200" next="done"/>\n<label id="let_go"/>\n',
            _in_dialog("200 OK", after=' next="done"'),
            _TAIL,
        ]
    )


def patience(milliseconds: int, place: int) -> str:
    """A caller's pause, the `place`th step of his, in which he may be let go."""
    return (
        f'<recv request="BYE" next="let_go" timeout="{milliseconds}" ontimeout="step{place}"/>\n'
        f'<label id="step{place}"/>\n'
    )


def info(key: str, sequence: int) -> str:
    """A key by SIP INFO, from a caller."""
    body = f"Signal={key}\nDuration=160\n"
    sent = _within("INFO", "[$calling]", sequence, "Content-Type: application/dtmf-relay\n", body)
    return sent + '<recv response="200"/>\n'


def _invite(calling: str) -> str:
    return f"""<nop><action><assignstr assign_to="calling" value="{calling}"/></action></nop>
<Reference variables="calling"/>
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{calling}@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Max-Forwards: 70
{_SDP}"""


def _within(method: str, calling: str, sequence: int, headers: str = "", body: str = "") -> str:
    """A request of the caller's in his call."""
    again = "" if method == "ACK" else ' retrans="500"'
    length = "[len]" if body else "0"
    return f"""<send{again}><![CDATA[
{method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{calling}@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: {sequence} {method}
Max-Forwards: 70
{headers}Content-Length: {length}

{body}]]></send>
"""


def register(name: str, password: str, port: int, seconds: int) -> str:
    """One registration of a telephone at `port`, with digest authentication."""
    return "".join(
        [
            _HEAD.format(name="register"),
            _register(name, port, 1, seconds, ""),
            '<recv response="401" auth="true"/>\n',
            _register(
                name, port, 2, seconds,
                f"[authentication username={name} password={password}]\n",
            ),
            '<recv response="200"/>\n</scenario>\n',
        ]
    )  # fmt: skip


def _register(name: str, port: int, sequence: int, seconds: int, authentication: str) -> str:
    return f"""<send retrans="500"><![CDATA[
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{name}@[remote_ip]>;tag=[pid]r[call_number]
To: <sip:{name}@[remote_ip]>
Call-ID: [call_id]
CSeq: {sequence} REGISTER
Contact: <sip:{name}@[local_ip]:{port}>
{authentication}Expires: {seconds}
Max-Forwards: 70
Content-Length: 0

]]></send>
"""


def _log(what: str, detail: str = "") -> str:
    return f'<log message="[timestamp] [call_id] {what} {detail}"/>'


def _noted(what: str) -> str:
    return f"<nop><action>{_log(what)}</action></nop>\n"


_TAG = ";tag=[pid]t[call_number]"


def _reply(status: str, *, after: str = "", tag: str = _TAG, cseq: str = "[last_CSeq:]") -> str:
    return f"""<send{after}><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
{cseq}
Content-Length: 0

]]></send>
"""


def _in_dialog(status: str, *, after: str = "") -> str:
    return _reply(status, after=after, tag="")


_SDP = """Contact: <sip:[local_ip]:[local_port];transport=[transport]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv

]]></send>
"""


def _accept(tag: str) -> str:
    return f"""<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
{_SDP}"""


def _invited() -> str:
    digits = "sip:[^@;> ]*32([0-8])([0-9])([0-9])([0-9])[0-9]{4}[@;> ]"
    tests = [("b", kind) for kind in Behaviour if kind is not Behaviour.silent] + [
        ("r", value) for value in range(10)
    ]
    tests += [("t", value) for value in range(10)] + [("s", Keys.info), ("s", Keys.rfc2833)]
    return (
        '<recv request="INVITE" crlf="true"><action>\n'
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>\n'
        '<ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="from"/>\n'
        '<ereg regexp="&lt;.*&gt;" search_in="hdr" header="To:" assign_to="to"/>\n'
        '<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="peer"/>\n'
        '<ereg regexp="sip:[^@;&gt; ]*" search_in="msg" assign_to="called"/>\n'
        f'<ereg regexp="{digits.replace(">", "&gt;")}" search_in="msg" check_it="false" '
        'assign_to="all,s1,b1,r1,t1"/>\n'
        + "".join(
            f'<todouble assign_to="{name}" variable="{name}1"/>\n' for name in ("s", "b", "r", "t")
        )
        + "".join(
            f'<test assign_to="{name}{value:d}is" variable="{name}" compare="equal" '
            f'value="{value:d}"/>\n'
            for name, value in tests
        )
        + f"{_log('invite', '[$called]')}\n</action></recv>\n"
        '<Reference variables="all"/>\n'
    )


def _branches() -> str:
    lines = [f'<nop next="refuse{kind:d}" test="b{kind:d}is"/>\n' for kind in _REFUSALS]
    ringing = _reply("180 Ringing")
    lines += ['<nop next="ring0" test="r0is"/>\n']
    lines += [ringing, _noted("ringing")]
    lines += [f'<nop next="ring_for_ever" test="b{Behaviour.no_answer:d}is"/>\n']
    lines += [f'<nop next="ring{digit}" test="r{digit}is"/>\n' for digit in range(1, 10)]
    return "".join(lines)


def _refused(kind: Behaviour, code: int, words: str) -> str:
    return (
        f'<label id="refuse{kind:d}"/>\n'
        + _noted(f"refused {code}")
        + _reply(f"{code} {words}", after=' retrans="500"')
        + '<recv request="ACK" next="done"/>\n'
    )


def _rings() -> str:
    lines = []
    for digit, seconds in enumerate(RINGS_S):
        lines.append(f'<label id="ring{digit}"/>\n')
        if digit == 0:
            lines.append(f'<nop next="ring_for_ever" test="b{Behaviour.no_answer:d}is"/>\n')
            lines.append('<nop next="answer"/>\n')
            continue
        lines.append(
            f'<recv request="CANCEL" timeout="{seconds * 1000:.0f}" ontimeout="answer"/>\n'
            '<nop next="cancelled"/>\n'
        )
    return "".join(lines)


def _cancelled() -> str:
    return (
        '<label id="ring_for_ever"/>\n<recv request="CANCEL"/>\n<label id="cancelled"/>\n'
        + _noted("cancelled")
        + _reply("200 OK")
        + _reply("487 Request Terminated", cseq="CSeq: [$cseq] INVITE", after=' retrans="500"')
        + '<recv request="ACK" next="done"/>\n'
    )


def _answer() -> str:
    # A CANCEL may cross the answer on the wire; the caller then ends what he was given.
    return (
        '<label id="answer"/>\n'
        + _noted("answered")
        + _accept(_TAG)
        + '<label id="acknowledged"/>\n'
        '<recv request="CANCEL" optional="true" next="late_cancel"/>\n'
        '<recv request="ACK" next="media"/>\n'
        '<label id="late_cancel"/>\n'
        + _in_dialog("200 OK", after=' next="acknowledged"')
        + '<label id="media"/>\n'
    )


def _play(sound: Path, times: int) -> str:
    return f'<nop><action><exec rtp_stream="{sound},{times},0"/></action></nop>\n'


def _said(installed: Installed, media: Media) -> str:
    jumps = {
        f"s{Keys.info:d}is": "keys_info",
        f"s{Keys.rfc2833:d}is": "keys_rfc2833",
        f"b{Behaviour.human:d}is": "human",
        f"b{Behaviour.machine:d}is": "machine",
        f"b{Behaviour.talker:d}is": "talker",
    }
    lines = [f'<nop next="{label}" test="{test}"/>\n' for test, label in jumps.items()]
    lines.append('<nop next="talk"/>\n')
    for label, sound, times in (
        ("human", media.hello, 1),
        ("machine", media.greeting, 1),
        ("talker", media.talk, -1),
    ):
        lines.append(f'<label id="{label}"/>\n{_play(sound, times)}<nop next="talk"/>\n')
    lines.append('<label id="keys_rfc2833"/>\n<pause milliseconds="700"/>\n')
    for key in ("1", "2", "pound"):
        tone = installed.tones / f"dtmf_2833_{key}.pcap"
        lines.append(f'<nop><action><exec play_pcap_audio="{tone}"/></action></nop>\n')
        lines.append('<pause milliseconds="700"/>\n')
    lines.append('<nop next="talk"/>\n<label id="keys_info"/>\n<pause milliseconds="700"/>\n')
    lines.append(_request("INFO", 1, "Content-Type: application/dtmf-relay\n", _INFO_BODY))
    lines.append('<recv response="200"/>\n<label id="talk"/>\n')
    return "".join(lines)


_INFO_BODY = "Signal=5\nDuration=160\n"


def _request(method: str, sequence: int, headers: str = "", body: str = "") -> str:
    length = "[len]" if body else "0"
    return f"""<send retrans="500"><![CDATA[
{method} [$peer] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: [$to]{_TAG}
To: [$from]
[last_Call-ID:]
CSeq: {sequence} {method}
Max-Forwards: 70
{headers}Content-Length: {length}

{body}]]></send>
"""


def _talks() -> str:
    """A place to wait for each length of talk; the last waits for ever."""
    lines = [f'<nop next="talk{digit}" test="t{digit}is"/>\n' for digit in range(len(TALKS_S))]
    lines.append('<nop next="talk9"/>\n')
    for digit, seconds in enumerate(TALKS_S[:-1]):
        lines.append(f'<label id="talk{digit}"/>\n')
        # SIPp takes the time-out from where it stands, which is the first of those it may receive.
        limit = f'timeout="{seconds * 1000:.0f}" ontimeout="hang_up"'
        lines += [
            f'<recv request="{request}" optional="true" next="{label}" {limit}/>\n'
            for request, label in (("INFO", "info"), ("UPDATE", "info"), ("INVITE", "again"))
        ]
        lines.append(f'<recv request="BYE" next="ended" {limit}/>\n')
    lines.append('<label id="talk9"/>\n')
    return "".join(lines)


def _waiting(after: str | None) -> str:
    """Wait for the other side to hang up, answering what it asks meanwhile."""
    return (
        '<recv request="INFO" optional="true" next="info"/>\n'
        '<recv request="UPDATE" optional="true" next="info"/>\n'
        '<recv request="INVITE" optional="true" next="again"/>\n'
        '<recv request="BYE"/>\n<label id="ended"/>\n'
        + _noted("ended")
        + _in_dialog("200 OK", after=' next="done"')
        + '<label id="info"/>\n'
        + _in_dialog("200 OK", after=f' next="{"talk" if after else "talk9"}"')
        + '<label id="again"/>\n'
        + _accept("")
        + f'<recv request="ACK" next="{"talk" if after else "talk9"}"/>\n'
    )


def _hang_up() -> str:
    # Both sides may hang up at once: the other's BYE is answered, and ours needs no answer then.
    return (
        '<label id="hang_up"/>\n'
        + _noted("hung_up")
        + _request("BYE", 2)
        + '<recv request="BYE" optional="true" next="crossed"/>\n'
        '<recv response="200" next="done"/>\n<label id="crossed"/>\n'
        + _in_dialog("200 OK", after=' next="done"')
    )
