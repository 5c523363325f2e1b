"""How switches look in a terminal."""

from typing import Any

from rich.table import Table


def shown_added(found: dict[str, Any]) -> str:
    """What was added, and the address that the PBX must know."""
    lines = sum(trunk["lines"] for trunk in found["trunks"])
    told = [
        f"added {found['name']} ({found['family']}): {len(found['trunks'])} trunks with {lines} "
        f"lines, {found['agents']} agents"
    ]
    if found["hook_url"]:
        told.append("enter this at the PBX as the address of notifications; it is a secret:")
        told.append(f"  {found['hook_url']}")
    told.append(f"then: offhook switch check {found['name']}")
    return "\n".join(told)


def shown_list(found: dict[str, Any]) -> Table | str:
    """One line a switch."""
    if not found["switches"]:
        return "no switch yet: add one with `offhook switch add`"
    table = Table("name", "family", "link", "lines busy", "agents", "last event", "detail")
    for row in found["switches"]:
        lines = "" if row["lines"] is None else f"{row['busy_lines']} of {row['lines']}"
        agents = "" if row["agents_reachable"] is None else str(row["agents_reachable"])
        last = row["last_event_at"] or ""
        table.add_row(row["name"], row["family"], row["state"], lines, agents, last, row["detail"])
    return table


def shown_one(found: dict[str, Any]) -> str:
    """A switch with its settings, trunks and agents."""
    told = [f"{found['name']} ({found['family']})"]
    if found["hook_url"]:
        told.append(f"events to: {found['hook_url']}")
    told += [f"  {key}: {value}" for key, value in sorted(found["settings"].items())]
    told.append(f"{len(found['trunks'])} trunks:")
    told += [f"  {trunk['trunk_id']}: {trunk['lines']} lines" for trunk in found["trunks"]]
    told.append(f"{len(found['agents'])} agents:")
    told += [f"  {agent['agent_id']}: extension {agent['number']}" for agent in found["agents"]]
    return "\n".join(told)


def shown_checks(found: dict[str, Any]) -> str:
    """Each check, and what to do about it."""
    told = []
    for check_ in found["checks"]:
        told.append(
            f"{'ok    ' if check_['ok'] else 'WRONG '} {check_['name']}: {check_['detail']}"
        )
        if check_["advice"]:
            told.append(f"         next: {check_['advice']}")
    return "\n".join(told)
