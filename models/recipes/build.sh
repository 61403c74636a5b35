#!/usr/bin/env bash
# Train the shipped models and publish them to the repository $1 (default: models/repository). Deletes their old versions.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=${1:-models/repository}
mkdir -p "$root"
rm -rf "${root:?}"/{ring,stripes,face,product,breast-cancer}
for problem in ring stripes face product; do
  python -m enn_training problem "$problem" --learner lms --models "$root" --seed 0
done
python -m enn_training table models/recipes/breast-cancer.csv --target diagnosis --models "$root" --name breast-cancer --learner adam --seed 0
