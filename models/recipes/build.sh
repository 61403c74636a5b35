#!/usr/bin/env bash
# Learns the shipped models again, into the repository given (default: the shipped one, emptied first).
set -euo pipefail
cd "$(dirname "$0")/../.."
root=${1:-models/repository}
mkdir -p "$root"
rm -rf "${root:?}"/{ring,stripes,face,product,breast-cancer}
for problem in ring stripes face product; do
  python -m enn_training problem "$problem" --models "$root" --seed 0
done
python -m enn_training table models/recipes/breast-cancer.csv --target diagnosis --models "$root" --name breast-cancer --seed 0
