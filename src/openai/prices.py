#!/usr/bin/env python3
"""Makes prices_table.cc of prices.yaml beside it; with --check only says whether it is what that makes.
Reads the few forms of YAML that prices.yaml has, so that it needs nothing but Python."""
import decimal
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
RATES = ["input", "cached", "cache_write", "output", "audio_input", "audio_cached", "audio_output",
         "image_input", "image_cached", "image_output"]
TIERS = {"standard", "flex", "priority", "batch"}
MEMBERS = {"model", "dated", "checked", "source", "per_request", "per_audio_minute"}


def in_units(dollars, places):
    value = decimal.Decimal(dollars).scaleb(places)
    if value != value.to_integral_value() or value < 0:
        sys.exit(f"{dollars}: not a whole number of 1e-{places} dollars")
    return int(value)


def read(text):
    models = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#", 1)[0].rstrip()
        rates = re.fullmatch(r"    - \{(.*)\}", line)
        member = re.fullmatch(r"(- |  )(\w+): *(\S*)", line)
        if rates and models:
            row = dict(item.split(": ") for item in rates[1].split(", "))
            unknown = set(row) - set(RATES) - {"tier", "above"}
            if unknown or row.get("tier", "standard") not in TIERS:
                sys.exit(f"prices.yaml:{number}: {unknown or row['tier']} is unknown")
            models[-1]["rates"].append(row)
        elif member and member[2] == "rates":
            models[-1]["rates"] = []
        elif member and member[2] in MEMBERS:
            if member[1] == "- ":
                models.append({})
            models[-1][member[2]] = member[3]
        elif line:
            sys.exit(f"prices.yaml:{number}: not understood")
    return models


def write(models):
    lines = ["// Made by prices.py of prices.yaml: change that.",
             '#include "openai/prices_table.h"',
             "",
             "namespace openai {",
             "namespace {",
             "",
             "// clang-format off"]
    models = sorted(models, key=lambda model: model["model"].encode())
    for index, model in enumerate(models):
        if index and models[index - 1]["model"] == model["model"]:
            sys.exit(f"{model['model']} is there twice")
        lines.append(f"constexpr Rates rates_{index}[] = {{")
        for row in model["rates"]:
            fields = [f".tier = ServiceTier::{row.get('tier', 'standard')}"]
            if "above" in row:
                fields.append(f".above_input_tokens = {int(row['above'])}")
            fields += [f".{name} = {in_units(row[name], 6)}" for name in RATES if name in row]
            lines.append(f"    {{{', '.join(fields)}}},")
        lines.append("};")
    lines += ["", "constexpr ModelPrice table[] = {"]
    for index, model in enumerate(models):
        fields = [f'.model = "{model["model"]}"']
        if model.get("dated") == "yes":
            fields.append(".with_date = true")
        fields.append(f".rates = rates_{index}")
        fields += [f".{name} = {in_units(model[name], 9)}"
                   for name in ("per_request", "per_audio_minute") if name in model]
        lines.append(f"    {{{', '.join(fields)}}},")
    lines += ["};",
              "// clang-format on",
              "",
              "}  // namespace",
              "",
              "const std::span<const ModelPrice> prices_table = table;",
              f'const std::string_view prices_table_checked = "{max(m["checked"] for m in models)}";',
              "",
              "}  // namespace openai",
              ""]
    return "\n".join(lines)


def main():
    table = HERE / "prices_table.cc"
    text = write(read((HERE / "prices.yaml").read_text(encoding="utf-8")))
    if sys.argv[1:] == ["--check"]:
        if text != table.read_text(encoding="utf-8"):
            sys.exit("src/openai/prices_table.cc is not what prices.yaml makes: run src/openai/prices.py")
        return
    table.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
