"""What fewstep compare writes for machines, read back by what reads it: junitparser, Jenkins' schema, JSON Schema.

usage: .deps/parity/bin/python tests/parity/verdicts.py
"""
import json
import pathlib

import jsonschema
import junitparser
import lxml.etree

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/verdicts"


def main():
    result = json.loads((GOLDEN / "comparison.json").read_text())
    jsonschema.Draft202012Validator(json.loads((ROOT / "docs/compare.schema.json").read_text())).validate(result)
    lxml.etree.XMLSchema(file=str(GOLDEN / "junit-10.xsd")).assertValid(lxml.etree.parse(GOLDEN / "comparison.xml"))
    xml = junitparser.JUnitXml.fromfile(str(GOLDEN / "comparison.xml"))
    cases = [case for suite in xml for case in suite]
    failed = [case for case in cases if any(isinstance(one, junitparser.Failure) for one in case.result)]
    errors = [case for case in cases if any(isinstance(one, junitparser.Error) for one in case.result)]
    wanted = sum(row["verdict"] in ("regressed", "tripped") and row["counts"] for row in result["comparisons"])
    wanted += sum(row["fails"] for row in result["tripwires"])
    assert (len(failed), len(errors)) == (wanted, 0), (len(failed), len(errors), wanted)
    assert (xml.tests, xml.failures, xml.errors) == (len(cases), len(failed), 0)
    print(f"verdicts: JSON and JUnit are valid; junitparser finds {len(cases)} cases, {len(failed)} failures")


main()
