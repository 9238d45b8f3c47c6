"""The comparison as JSON (keys: bench/README.md) and as text."""

import os
import platform
import shlex
import statistics
import sys
from datetime import datetime, timezone
from pathlib import Path

from .rows import ROWS

LEVEL_PERCENT = 1.0  # closer than this is called level
SCALES = {"us": [(1e6, "s"), (1e3, "ms"), (1.0, "us"), (1e-3, "ns")],
          "bytes": [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1.0, "B")]}


class Results:
    """What was seen so far, by row and contestant: {round: value}, failed requests, remarks; and
    why there is no value."""

    def __init__(self):
        self.values = {row.key: {} for row in ROWS}
        self.failed = {row.key: {} for row in ROWS}
        self.remarks = {row.key: {} for row in ROWS}  # of the last round
        self.problems = {}  # measure name -> {contestant: reason}

    def add(self, contestant, round_number, seen):
        for key, value in seen.values.items():
            self.values[key].setdefault(contestant, {})[round_number] = value
            if seen.remark:
                self.remarks[key][contestant] = seen.remark
            if seen.failed:
                before = self.failed[key].get(contestant, 0)
                self.failed[key][contestant] = before + seen.failed

    def add_problem(self, measure, contestant, reason):
        self.problems.setdefault(measure, {})[contestant] = reason

    def subtract_direct(self, keys):
        """Turns whole latencies into added ones, round by round; `direct` itself then has none."""
        for key in keys:
            direct = self.values[key].pop("direct", {})
            for name, values in self.values[key].items():
                self.values[key][name] = {number: value - direct[number]
                                          for number, value in values.items() if number in direct}
            yield key, statistics.median(direct.values()) if direct else None


    def explain_direct(self, rows):
        """A remark where someone behind a proxy looks better than `direct`, in rates and in what
        subtract_direct() left: no proxy can be the cause of that."""
        for row in rows:
            values = {name: statistics.median(by_round.values())
                      for name, by_round in self.values[row.key].items() if by_round}
            if row.key.startswith("latency_"):
                ahead, why = [n for n, v in values.items() if v < 0], \
                    "less than direct's: within the noise, for they are measured in turn"
            elif row.better == "higher" and "direct" in values:
                ahead, why = [n for n, v in values.items() if v > values["direct"]], \
                    "more than direct: within the noise, for they are measured in turn"
            else:
                continue
            for name in ahead:
                former = self.remarks[row.key].get(name)
                self.remarks[row.key][name] = f"{former}; {why}" if former else why


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "host": platform.node(), "cpu": processor(), "cores": len(os.sched_getaffinity(0)),
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "system": system, "command line": shlex.join([Path(sys.argv[0]).name] + sys.argv[1:])}


def ratio(ours, rival):
    """Ours over theirs; None where one is not a positive number (an added latency near nothing)."""
    return ours / rival if ours > 0 and rival > 0 else None


def comparison(results, contestants, versions, missing, rounds, notes):
    """The object bench/README.md describes."""
    ours = next(one.name for one in contestants if one.role == "ours")
    titles = {one.name: one.title for one in contestants}
    rows = []
    for row in ROWS:
        by_name = {name: list(values.values())
                   for name, values in results.values[row.key].items() if values}
        if not by_name:
            continue
        base = statistics.median(by_name[ours]) if ours in by_name else None
        values = []
        for one in contestants:
            seen = by_name.get(one.name)
            if not seen:
                continue
            value = {"contestant": titles[one.name], "median": statistics.median(seen),
                     "min": min(seen), "max": max(seen), "rounds": len(seen)}
            if base is not None and ratio(base, value["median"]):
                value["ratio_to_ours"] = 1 / ratio(base, value["median"])
            if results.failed[row.key].get(one.name):
                value["failed"] = results.failed[row.key][one.name]
            if one.name in results.remarks[row.key]:
                value["note"] = results.remarks[row.key][one.name]
            values.append(value)
        note = "; ".join(text for text in (row.note, notes.get(row.key)) if text)
        rows.append({"key": row.key, "group": row.group, "name": row.name, "unit": row.unit,
                     "better": row.better, "note": note, "values": values})
    return {
        "kind": "comparison", "title": "openai-proxy beside others", "machine": machine(),
        "rounds": rounds,
        "contestants": [{"name": one.title, "version": versions.get(one.name, ""),
                         "note": one.note, "role": one.role} for one in contestants],
        "missing": [{"name": titles.get(name, name), "why": why} for name, why in missing.items()],
        "problems": [{"measure": measure, "contestant": titles[name], "why": why}
                     for measure, by_name in results.problems.items()
                     for name, why in by_name.items()],
        "rows": rows,
    }


def quantity(value, unit):
    """`value` scaled: "41.2 us", "52.3 KiB", "33,100"."""
    base = unit.split("/")[0]
    for size, name in SCALES.get(base, []):
        if abs(value) >= size or name in ("ns", "B"):
            return f"{digits(value / size)} {name}"
    return digits(value)


def digits(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else \
        f"{value:.2f}"


def verdict(ours, rival, better):
    """Whether ours is worse than a rival, and by how much in words: both are values of a row."""
    proportion = ratio(ours["median"], rival["median"])
    is_worse = (ours["median"] > rival["median"]) == (better == "lower")
    if proportion is None:
        return is_worse, ""
    if abs(proportion - 1) * 100 < LEVEL_PERCENT:
        return False, "level"
    overlap = ours["min"] <= rival["max"] and rival["min"] <= ours["max"]
    return is_worse, f"by {abs(proportion - 1) * 100:.0f} %{' (ranges overlap)' if overlap else ''}"


def row_lines(row, roles, ours_title, worse):
    by_name = {value["contestant"]: value for value in row["values"]}
    ours = by_name.get(ours_title)
    lines = [f"{row['name']} [{row['unit']}], {row['better']} is better"]
    if row["note"]:
        lines.append(f"  ({row['note']})")
    for value in sorted(row["values"], key=lambda one: one["median"],
                        reverse=row["better"] == "higher"):
        name, unit = value["contestant"], row["unit"]
        spread = f"{quantity(value['min'], unit)} - {quantity(value['max'], unit)}"
        proportion = words = ""
        if ours and name == ours_title:
            words = "<- ours"
        elif ours:
            number = ratio(ours["median"], value["median"])
            proportion = f"{number:.2f}" if number else "-"
            is_worse, much = verdict(ours, value, row["better"])
            words = much if much == "level" else \
                f"ours is {'WORSE' if is_worse else 'better'} {much}".rstrip()
            if roles[name] == "baseline":
                words = "no rival"
            elif is_worse:
                worse.setdefault(f"{row['group']}, {row['name']}", []).append(f"{name} {much}")
        if value.get("note"):
            words += f"; {value['note']}"
        if value.get("failed"):
            words += f"; {value['failed']} requests FAILED"
        lines.append(f"  {name:<18} {quantity(value['median'], unit):>10}   {spread:<23} "
                     f"{proportion:>7}  {words}".rstrip())
    return lines


def text(data):
    roles = {one["name"]: one["role"] for one in data["contestants"]}
    ours_title = next(name for name, role in roles.items() if role == "ours")
    lines = [data["title"], ", ".join(f"{key} {value}" for key, value in data["machine"].items())
             + f"; {data['rounds']} rounds", ""]
    for one in data["contestants"]:
        lines.append(f"  {one['name']:<18} {one['version']:<16} {one['note']}".rstrip())
    for one in data["missing"]:
        lines.append(f"  {one['name']:<18} MISSING: {one['why']}")
    lines += ["", "Columns: median of the rounds, lowest - highest, ours divided by theirs."]
    worse, group = {}, None
    for row in data["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines += ["", f"== {group}"]
        lines += [""] + row_lines(row, roles, ours_title, worse)
    if data["problems"]:
        lines += ["", "== Not measured, or not in every round", ""]
        lines += [f"  {one['contestant']}, {one['measure']}: {one['why']}"
                  for one in data["problems"]]
    lines += ["", "== Where ours is worse than a rival", ""]
    lines += [f"  {row}: than {'; '.join(names)}" for row, names in worse.items()] or \
        ["  nowhere"]
    return "\n".join(lines) + "\n"
