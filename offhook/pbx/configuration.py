"""What a private Asterisk is told: a file for each of its parts, made from one plan.

Only what offhook uses is loaded, by name: a module that is not there can't deadlock, open a port
or read a file of the machine's. Everything listens on the loopback interface.
"""

import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from offhook.pbx.install import Installed

HOST = "127.0.0.1"
APPLICATION = "offhook"
AMD_CONTEXT = "offhook-amd"
HOLD_CONTEXT = "offhook-hold"
ECHO_CONTEXT = "echo"
"""Whoever is put here hears himself; needs no application to be connected."""
TRUNK = "carrier"
MESSAGE = "sound:vm-goodbye"
"""Safe-harbour message: a sound that Asterisk brings along."""

_MODULES = (
    # core services
    "res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb "
    "res_sorcery_realtime res_pjproject "
    # SIP
    "res_pjsip res_pjsip_session res_pjsip_sdp_rtp res_pjsip_pubsub res_pjsip_caller_id "
    "res_pjsip_rfc3326 res_pjsip_dtmf_info res_pjsip_header_funcs res_pjsip_logger res_pjsip_nat "
    "res_pjsip_registrar res_pjsip_authenticator_digest "
    "res_pjsip_outbound_authenticator_digest res_pjsip_endpoint_identifier_ip "
    "res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_anonymous "
    "res_pjsip_dlg_options res_pjsip_refer chan_pjsip "
    # bridges are recorded and played to through a channel of this kind
    "chan_bridge_media res_rtp_multicast chan_rtp res_rtp_asterisk "
    # ARI
    "res_http_websocket res_websocket_client res_stasis res_stasis_answer res_stasis_playback "
    "res_stasis_recording res_stasis_snoop res_ari_model res_ari res_ari_applications "
    "res_ari_asterisk res_ari_bridges res_ari_channels res_ari_endpoints res_ari_events "
    "res_ari_playbacks res_ari_recordings res_ari_sounds app_stasis "
    # dialplan
    "pbx_config app_dial app_playback app_echo app_amd app_record app_mixmonitor app_chanspy "
    "app_confbridge app_senddtmf app_waitforsilence func_callerid func_channel func_talkdetect "
    "func_logic func_strings func_timeout func_global func_dialplan "
    # bridges and media
    "bridge_builtin_features bridge_builtin_interval_features bridge_holding bridge_native_rtp "
    "bridge_simple bridge_softmix res_musiconhold codec_ulaw codec_alaw codec_gsm codec_resample "
    "format_pcm format_wav format_gsm format_sln"
)
# Not res_stasis_device_state: closing an event socket while calls change state can then block the
# application for ever (asterisk/asterisk#2170).

_EMPTY = (
    "ccss", "cdr", "cel", "confbridge", "features", "pjproject", "queuerules", "queues",
    "sorcery", "udptl", "websocket_client",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """An agent's telephone that registers, with the password it does so with."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that differs between one private Asterisk and another."""

    run: Path
    http_port: int
    sip_port: int
    carrier_port: int
    """Where the called people are: a SIP port on the loopback interface."""
    agents_port: int
    """Where the agents' telephones with fixed addresses are."""
    agents: Sequence[str] = ()
    """Endpoints of agents with fixed addresses."""
    phones: Sequence[Phone] = ()
    """Endpoints of agents who register."""
    trunks: Sequence[str] = (TRUNK,)
    user: str = "offhook"
    password: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(18))
    application: str = APPLICATION
    open_files: int = 4096


def agent_names(count: int) -> tuple[str, ...]:
    """Endpoints agent1, agent2 and so on."""
    return tuple(f"agent{index}" for index in range(1, count + 1))


def phone_names(count: int) -> tuple[Phone, ...]:
    """Endpoints phone1, phone2 and so on, which register, each with a password of its own."""
    return tuple(
        Phone(name=f"phone{index}", password=secrets.token_urlsafe(12))
        for index in range(1, count + 1)
    )


def free_ports(kinds: str) -> list[int]:
    """Ports that nobody has now: for each letter of `kinds` one, `t` for TCP and `u` for UDP."""
    types = {"t": socket.SOCK_STREAM, "u": socket.SOCK_DGRAM}
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, types[kind])) for kind in kinds]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def files(plan: Plan, installed: Installed) -> Mapping[str, str]:
    """Name to content of every configuration file."""
    return {
        **{f"{name}.conf": "[general]\n" for name in _EMPTY},
        "asterisk.conf": _asterisk(plan, installed),
        "modules.conf": "[modules]\nautoload = no\n"
        + "".join(f"load = {name}.so\n" for name in _MODULES.split()),
        "logger.conf": _LOGGER,
        "indications.conf": _INDICATIONS,
        "manager.conf": "[general]\nenabled = no\n",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {plan.run}/moh\n",
        "rtp.conf": "[general]\nrtpstart = 20000\nrtpend = 29999\nstrictrtp = no\n"
        "icesupport = no\n",
        "amd.conf": "[general]\n",
        "acl.conf": "",
        "http.conf": _http(plan),
        "ari.conf": _ari(plan),
        "extensions.conf": _extensions(plan),
        "pjsip.conf": _pjsip(plan),
    }


_LOGGER = """[general]
dateformat = %F %T.%3q
[logfiles]
console => warning,error,notice
full => notice,warning,error
"""

_INDICATIONS = """[general]
country = it
[it]
description = Italy
ringcadence = 1000,4000
dial = 425/200,0/200,425/600,0/1000
busy = 425/500,0/500
ring = 425/1000,0/4000
congestion = 425/200,0/200
callwaiting = 425/400,0/100,425/250,0/100,425/150,0/14000
dialrecall = 470/400,425/400
record = 1400/400,0/15000
info = !950/330,!1400/330,!1800/330,0
"""


def _asterisk(plan: Plan, installed: Installed) -> str:
    run = plan.run
    return f"""[directories]
astetcdir => {run}/etc
astmoddir => {installed.modules}
astvarlibdir => {run}/lib
astdbdir => {run}/db
astkeydir => {run}/keys
astdatadir => {installed.data}
astagidir => {run}/lib/agi-bin
astspooldir => {run}/spool
astrundir => {run}/run
astlogdir => {run}/log
astsbindir => {installed.root}/usr/sbin

[options]
nocolor = yes
verbose = 1
debug = 0
defaultlanguage = en
hideconnect = yes
maxfiles = {plan.open_files}
"""


def _http(plan: Plan) -> str:
    return f"""[general]
enabled = yes
bindaddr = {HOST}
bindport = {plan.http_port}
sessionlimit = 500
session_inactivity = 30000
session_keep_alive = 15000
"""


def _ari(plan: Plan) -> str:
    return f"""[general]
enabled = yes
pretty = no
websocket_write_timeout = 1000

[{plan.user}]
type = user
read_only = no
password = {plan.password}
password_format = plain
"""


def _extensions(plan: Plan) -> str:
    app = plan.application
    return f"""[general]
static = yes
writeprotect = yes

[from-carrier]
exten => _[+0-9]!,1,Stasis({app},inbound,${{EXTEN}})
 same => n,Hangup()

[from-agent]
exten => _[+0-9a-z]!,1,Stasis({app},agent,${{EXTEN}})
 same => n,Hangup()

[{ECHO_CONTEXT}]
exten => s,1,Echo()

[{HOLD_CONTEXT}]
exten => customer,1,Stasis({app},${{OFFHOOK_ARGS}})
 same => n,GotoIf($["${{STASISSTATUS}}" = "SUCCESS"]?over)
 same => n,Set(OFFHOOK_TRIES=$[0${{OFFHOOK_TRIES}} + 1])
 same => n,GotoIf($[${{OFFHOOK_TRIES}} > 50]?alone)
 same => n,Wait(0.2)
 same => n,Goto(1)
 same => n(alone),Playback(vm-goodbye)
 same => n(over),Hangup()
exten => agent,1,Stasis({app},${{OFFHOOK_ARGS}})
 same => n,GotoIf($["${{STASISSTATUS}}" = "SUCCESS"]?over)
 same => n,Set(OFFHOOK_TRIES=$[0${{OFFHOOK_TRIES}} + 1])
 same => n,GotoIf($[${{OFFHOOK_TRIES}} > 50]?over)
 same => n,Wait(0.2)
 same => n,Goto(1)
 same => n(over),Hangup()

[{AMD_CONTEXT}]
exten => s,1,AMD(,,,${{OFFHOOK_LISTEN}})
 same => n,Set(OFFHOOK_ARGS=amd,${{AMDSTATUS}},${{AMDCAUSE}})
 same => n,Goto({HOLD_CONTEXT},customer,1)
exten => beep,1,WaitForSilence(1500,1,45)
 same => n,Stasis({app},beep,${{OFFHOOK_PROMPT}})
 same => n,Hangup()
"""


def _pjsip(plan: Plan) -> str:
    parts = [_PJSIP_GENERAL.format(host=HOST, port=plan.sip_port)]
    parts += [_TRUNK.format(name=name, host=HOST, port=plan.carrier_port) for name in plan.trunks]
    if plan.trunks:
        parts.append(
            f"[{plan.trunks[0]}]\ntype = identify\nendpoint = {plan.trunks[0]}\nmatch = {HOST}\n"
        )
    parts += [
        _AGENT.format(name=name, auth="")
        + f"contact = sip:{name}@{HOST}:{plan.agents_port}\nqualify_frequency = 0\n"
        for name in plan.agents
    ]
    parts += [
        _AGENT.format(name=phone.name, auth=f"auth = {phone.name}")
        + f"\n[{phone.name}]\ntype = auth\nauth_type = userpass\nusername = {phone.name}\n"
        f"password = {phone.password}\n"
        for phone in plan.phones
    ]
    return "\n".join(parts)


_PJSIP_GENERAL = """[global]
type = global
user_agent = offhook-development
endpoint_identifier_order = username,ip,anonymous

[system]
type = system
timer_t1 = 500
timer_b = 32000
threadpool_initial_size = 5

[transport-udp]
type = transport
protocol = udp
bind = {host}:{port}
"""

# Connected-line updates would make Asterisk invite again in the middle of a call.
_TRUNK = """[{name}]
type = endpoint
transport = transport-udp
context = from-carrier
disallow = all
allow = ulaw,alaw
aors = {name}
direct_media = no
rtp_symmetric = yes
dtmf_mode = auto
send_pai = yes
send_connected_line = no
trust_id_outbound = yes
from_domain = pbx.test

[{name}]
type = aor
contact = sip:{host}:{port}
qualify_frequency = 0
"""

_AGENT = """[{name}]
type = endpoint
transport = transport-udp
context = from-agent
disallow = all
allow = ulaw,alaw
aors = {name}
{auth}
direct_media = no
rtp_symmetric = yes
dtmf_mode = auto
send_connected_line = no

[{name}]
type = aor
max_contacts = 1
remove_existing = yes
"""
