"""The messages of the vendor's document and client, retyped as data."""

import json
from typing import Any

from offhook.switches.xivo import (
    wire,
    wire_groups,  # noqa: F401 - makes its commands known
)
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo import wire_office as office

_PHONE = {
    "eventType": "EventRinging",
    "DN": "1118",
    "otherDN": "1058",
    "otherDName": "Jane Black",
    "linkedId": "1447670380.34",
    "uniqueId": "1447670382.37",
    "queueName": "blue",
    "callDirection": "Incoming",
    "userData": {
        "XIVO_CONTEXT": "default",
        "XIVO_USERID": "9",
        "XIVO_SRCNUM": "1058",
        "XIVO_DSTNUM": "3000",
    },
}
_PERIOD = {
    "default": False,
    "name": "Afternoon",
    "periodStart": "14:00:00",
    "periodEnd": "17:00:00",
    "uuid": "d3270038-e20e-498a-af71-3cf69b5cc792",
}
_CALLBACK = {
    "uuid": "a967da84-bc41-4bf4-a4fc-2bcc54e11606",
    "listUuid": "b0849ac0-4f4a-4ed0-9386-53ab2afd94b1",
    "phoneNumber": "0230210082",
    "mobilePhoneNumber": "0789654123",
    "firstName": "Alice",
    "lastName": "O'Neill",
    "company": "YourSociety",
    "description": None,
    "agentId": None,
    "dueDate": "2016-08-01",
    "preferredPeriod": _PERIOD,
}
_STATE = {
    "agentId": 19,
    "phoneNb": "1000",
    "since": 0,
    "queues": [8, 14, 170, 4, 1],
    "cause": "available",
}


def _message(name: str, content: object) -> str:
    return json.dumps({"msgType": name, "ctiMessage": content})


MESSAGES = [
    _message("RightProfile", {"profile": "Supervisor"}),
    _message("PhoneEvent", _PHONE),
    _message(
        "CurrentCallsPhoneEvents", {"events": [_PHONE, {**_PHONE, "eventType": "EventEstablished"}]}
    ),
    _message(
        "DirectoryResult",
        {
            "entries": [
                {"status": 0, "entry": ["hawkeye", "pierce", "1002", "0761187406", "false"]},
                {"status": -2, "entry": ["peter", "pan", "1004", "", "false"]},
            ],
            "headers": ["Firstname", "Lastname", "Number", "Mobile", "Favorite"],
        },
    ),
    _message(
        "Sheet",
        {
            "timenow": 1425055334,
            "compressed": True,
            "serial": "xml",
            "payload": {
                "profile": {
                    "user": {
                        "internal": [{"content": "xivo", "name": "ipbxid"}],
                        "sheetQtui": None,
                        "sheetInfo": [
                            {
                                "value": "&folder=1234",
                                "name": "folderNumber",
                                "order": 30,
                                "type": "text",
                            }
                        ],
                        "systrayInfo": [],
                    }
                }
            },
            "channel": "SIP/1k4yj2-00000013",
        },
    ),
    _message(
        "UserConfigUpdate",
        {
            "userId": 9,
            "dndEnabled": False,
            "naFwdEnabled": False,
            "naFwdDestination": "",
            "uncFwdEnabled": False,
            "uncFwdDestination": "",
            "busyFwdEnabled": False,
            "busyFwdDestination": "",
            "firstName": "Alice",
            "lastName": "Johnson",
            "fullName": "Alice Johnson",
            "mobileNumber": "064574512",
            "agentId": 22,
            "lineIds": [5],
            "voiceMailId": 58,
            "voiceMailEnabled": True,
        },
    ),
    _message(
        "VoiceMailStatusUpdate",
        {"voiceMailId": 58, "newMessages": 2, "waitingMessages": 1, "oldMessages": 1},
    ),
    _message(
        "QueueStatistics",
        {
            "queueId": 11,
            "counters": [
                {"statName": "AvailableAgents", "value": 0},
                {"statName": "LoggedAgents", "value": 0},
                {"statName": "EWT", "value": 0},
            ],
        },
    ),
    _message(
        "QueueList",
        [
            {
                "id": 170,
                "context": "default",
                "name": "bluesky",
                "displayName": "Bl Record",
                "number": "3012",
            },
            {
                "id": 6,
                "context": "default",
                "name": "__switchboard_hold",
                "displayName": "Switchboard hold",
                "number": "3005",
            },
        ],
    ),
    _message(
        "QueueMemberList",
        [
            {"agentId": 129, "queueId": 8, "penalty": 2},
            {"agentId": 139, "queueId": 168, "penalty": 2},
        ],
    ),
    _message(
        "AgentStateEvent",
        {
            **_STATE,
            "name": "AgentOnCall",
            "acd": False,
            "direction": "Incoming",
            "callType": "External",
            "monitorState": "ACTIVE",
        },
    ),
]

CONTENTS: list[tuple[type[wire.Event], Any]] = [
    (ev.AgentError, {"Error": "PhoneNumberUnknown"}),
    (ev.AgentError, {"Error": "LoggedInOnAnotherPhone", "phoneNb": "1002", "RequestedNb": "1001"}),
    *(
        (ev.AgentStateEvent, {**_STATE, "name": name})
        for name in (
            *("AgentLogin", "AgentReady", "AgentOnPause", "AgentOnWrapup", "AgentRinging"),
            *("AgentDialing", "AgentLoggedOut"),
        )
    ),
    (
        ev.QueueStatistics,
        {
            "queueRef": "travels",
            "counters": [{"statName": "TotalNumberCallsAbandonned", "value": 19}],
        },
    ),
    (
        ev.QueueCalls,
        {
            "queueId": 9,
            "calls": [
                {
                    "position": 1,
                    "name": "John Doe",
                    "number": "33356782212",
                    "queueTime": "2015-07-16T10:40:16.626+02:00",
                }
            ],
        },
    ),
    (
        ev.QueueConfig,
        {
            "id": 8,
            "context": "default",
            "name": "blue",
            "displayName": "blue sky",
            "number": "3506",
        },
    ),
    (ev.QueueMember, {"agentId": 19, "queueId": 3, "penalty": 12}),
    (
        ev.AgentDirectory,
        {
            "directory": [
                {
                    "agent": {
                        "context": "default",
                        "firstName": "bj",
                        "groupId": 1,
                        "id": 8,
                        "lastName": "agent",
                        "number": "2000",
                    },
                    "agentState": {
                        "agentId": 8,
                        "cause": "",
                        "name": "AgentReady",
                        "phoneNb": "1001",
                        "queues": [1, 2],
                        "since": 2,
                    },
                }
            ]
        },
    ),
    (
        ev.AgentConfig,
        {
            "id": 23,
            "firstName": "Jack",
            "lastName": "Flash",
            "number": "2501",
            "context": "default",
        },
    ),
    (
        ev.AgentList,
        [
            {
                "id": 24,
                "firstName": "John",
                "lastName": "Waynes",
                "number": "2601",
                "context": "default",
                "groupId": 1,
            },
            {
                "id": 20,
                "firstName": "Maricé",
                "lastName": "Saprïtchà",
                "number": "2602",
                "context": "default",
                "groupId": 1,
            },
        ],
    ),
    (ev.AgentListen, {"started": False, "phoneNumber": "1058", "agentId": 22}),
    (ev.AgentGroupList, [{"id": 1, "name": "default"}, {"id": 2, "name": "boats"}]),
    (
        ev.AgentStatistics,
        {
            "id": 22,
            "statistics": [
                {"name": "AgentPausedTotalTime", "value": 0},
                {"name": "AgentReadyTotalTime", "value": 434},
                {"name": "LoginDateTime", "value": "2015-04-27T08:15:01.081+02:00"},
            ],
        },
    ),
    (
        office.CallHistory,
        {
            "start": "2014-01-01 08:00:00",
            "duration": "00:21:35",
            "srcNum": "0115878",
            "dstNum": "2547892",
            "status": "answered",
        },
    ),
    (
        cb.CallbackLists,
        {
            "uuid": "b0849ac0-4f4a-4ed0-9386-53ab2afd94b1",
            "name": "Liste de test",
            "queueId": 1,
            "callbacks": [_CALLBACK],
        },
    ),
    (cb.CallbackTaken, {"uuid": _CALLBACK["uuid"], "agentId": 2}),
    (
        cb.CallbackStarted,
        {
            "requestUuid": _CALLBACK["uuid"],
            "ticketUuid": "8e82de0f-847a-4606-97bf-bef5a18ea8b0",
        },
    ),
    (cb.CallbackClotured, {"uuid": _CALLBACK["uuid"]}),
    (cb.CallbackReleased, {"uuid": _CALLBACK["uuid"]}),
    (cb.CallbackRequestUpdated, {"request": _CALLBACK}),
    (
        office.UserQueueDefaultMembership,
        {
            "userId": 186,
            "membership": [{"queueId": 8, "penalty": 1}, {"queueId": 17, "penalty": 0}],
        },
    ),
    (
        office.ConferenceList,
        [
            {
                "number": "4000",
                "name": "public",
                "pinRequired": False,
                "startTime": 1519659524032,
                "members": [
                    {
                        "joinOrder": 1,
                        "joinTime": 1519659524032,
                        "muted": False,
                        "name": "James Bond",
                        "number": "1002",
                    }
                ],
            },
            {
                "number": "4001",
                "name": "conference_support",
                "pinRequired": True,
                "startTime": 0,
                "members": [],
            },
        ],
    ),
]

_DATA = {"var1": "val1", "USR_var2": "val2"}
_MEMBERSHIP = [{"queueId": 8, "penalty": 1}, {"queueId": 17, "penalty": 0}]


def _command(name: str, **arguments: object) -> dict[str, Any]:
    return {"claz": "web", "command": name, **arguments}


COMMANDS = [
    _command("agentLogin", agentphonenumber="1001", agentid=19),
    *(
        _command(name, agentid=19)
        for name in (
            *("agentLogout", "unpauseAgent", "listenAgent", "monitorPause", "monitorUnpause"),
        )
    ),
    _command("pauseAgent", agentid=19, reason="lunch"),
    _command("setAgentQueue", agentId=19, queueId=3, penalty=12),
    _command("removeAgentFromQueue", agentId=19, queueId=3),
    _command("setAgentGroup", agentId=19, groupId=2),
    *(
        _command(name, groupId=2, fromQueueId=3, fromPenalty=0, toQueueId=5, toPenalty=1)
        for name in ("moveAgentsInGroup", "addAgentsInGroup")
    ),
    *(
        _command(name, groupId=2, queueId=3, penalty=1)
        for name in ("removeAgentGroupFromQueueGroup", "addAgentsNotInQueueFromGroupTo")
    ),
    _command("dial", destination="0427466347", variables=_DATA),
    _command("dialFromMobile", destination="0427466347", variables=_DATA),
    _command(
        "dialFromQueue",
        destination="0427466347",
        queueId=3,
        callerIdName="Sales",
        callerIdNumber="0123053012",
        variables=_DATA,
    ),
    *(_command(name, destination="1002") for name in ("originate", "directTransfer")),
    _command("attendedTransfer", destination="1002"),
    *(_command(name, uniqueId="1469709960.78") for name in ("hangup", "answer", "hold")),
    *(
        _command(name)
        for name in (
            *("completeTransfer", "cancelTransfer", "getCurrentCallsPhoneEvents"),
            *("getAgentDirectory", "getAgentStates", "subscribeToAgentEvents", "getFavorites"),
            *("subscribeToAgentStats", "subscribeToQueueStats", "getCallbackLists"),
            "getCallbackPreferredPeriods",
        )
    ),
    _command("setData", variables=_DATA),
    _command("dnd", state=True),
    *(_command(name, state=True, destination="1002") for name in ("naFwd", "uncFwd", "busyFwd")),
    _command("userStatusUpdate", status="available"),
    _command("getList", objectType="queue"),
    _command("getConfig", objectType="queue"),
    _command("subscribeToQueueCalls", queueId=9),
    _command("unSubscribeToQueueCalls", queueId=9),
    _command("getUserCallHistory", size=10),
    _command("getAgentCallHistory", size=10),
    _command("getQueueCallHistory", queue="bl", size=10),
    _command("directoryLookUp", term="pan"),
    _command("addFavorite", contactId="12", source="internal"),
    _command("removeFavorite", contactId="12", source="internal"),
    _command("getUserDefaultMembership", userId=186),
    _command("setUserDefaultMembership", userId=186, membership=_MEMBERSHIP),
    _command("setUsersDefaultMembership", userIds=[1, 2, 3], membership=_MEMBERSHIP),
    _command("applyUsersDefaultMembership", userIds=[1, 2, 7, 9]),
    _command("takeCallback", uuid=_CALLBACK["uuid"]),
    _command("releaseCallback", uuid=_CALLBACK["uuid"]),
    _command("startCallback", uuid=_CALLBACK["uuid"], number="0230210082"),
    _command(
        "updateCallbackTicket",
        uuid=_CALLBACK["uuid"],
        status="Callback",
        comment="tomorrow",
        dueDate="2016-08-02",
        periodUuid=_PERIOD["uuid"],
    ),
    _command(
        "findCallbackRequest",
        id=1,
        request={
            "filters": [{"field": "phoneNumber", "operator": "=", "value": "0230210082"}],
            "offset": 0,
            "limit": 10,
        },
    ),
]
"""As the vendor's own client sends them; one of every command."""
