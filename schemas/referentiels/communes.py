"""Writes communes.csv from data/communes.json of the npm package @etalab/decoupage-administratif.

    npm pack @etalab/decoupage-administratif && tar xzf etalab-decoupage-administratif-*.tgz
    python3 schemas/referentiels/communes.py package > schemas/referentiels/communes.csv
"""

import json
import sys
from pathlib import Path

package = Path(sys.argv[1])
version = json.loads((package / "package.json").read_text())["version"]
communes = json.loads((package / "data/communes.json").read_text())

rows = []
for commune in communes:
    into = commune.get("chefLieu") or commune.get("commune") or ""
    rows.append((commune["code"], into, commune["nom"], " ".join(sorted(commune.get("codesPostaux", [])))))
known = {code for code, *_ in rows}
for commune in communes:
    for old in commune.get("anciensCodes", []):
        if old not in known:
            rows.append((old, commune["code"], "", ""))
            known.add(old)

# Communes of Guadeloupe until 2007, of which the official code keeps no trace.
rows += [("97123", "97701", "", ""), ("97127", "97801", "", "")]

# A commune stands before the former ones that keep its code.
rows.sort()
print(f"# Communes de France et codes postaux : @etalab/decoupage-administratif {version} (Insee, COG ; La Poste), Licence Ouverte.")
print("code;nom;codes_postaux;devenue")
for code, into, name, postal in rows:
    print(f"{code};{name};{postal};{into}")
