"""What a measurement is: a name, a value, a unit, the two parts of a ratio, the goal where there is one."""


def row(name, value, unit, goal=""):
    return {"name": name, "value": value, "unit": unit, **({"goal": goal} if goal else {})}


def ratio(name, over, under, unit, goal=""):
    """`unit` is that of the parts."""
    return {"name": name, "value": over / under, "unit": "ratio", "parts": [over, under], "parts_unit": unit, **({"goal": goal} if goal else {})}


def met(one):
    """Whether a row meets its goal; None where it has none."""
    if "goal" not in one:
        return None
    sign, limit = one["goal"].split()
    return one["value"] >= float(limit) if sign == ">=" else one["value"] <= float(limit)


def number(value):
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        return f"{value:.1e}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    return f"{value:.{digits}f}"


def line(one):
    parts = f"{number(one['parts'][0])} / {number(one['parts'][1])} {one['parts_unit']}".strip() if "parts" in one else ""
    unit = "" if one["unit"] == "ratio" else f" {one['unit']}"
    goal = one.get("goal", "").replace(">=", "≥").replace("<=", "≤")
    return f"| {one['name']} | {number(one['value'])}{unit} | {parts} | {goal}{'' if met(one) is None else ', met' if met(one) else ', missed'} |"


HEAD = "| measurement | value | parts | goal |\n|---|---|---|---|"
