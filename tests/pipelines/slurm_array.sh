#!/usr/bin/env bash
# A Slurm of one node, set up in a temporary folder and torn down again: an array job of pipelines/annotate.sbatch over a folder of
# films, then the merge.
# usage: slurm_array.sh FMPN_ANNOTATE ANNOTATE.sbatch
# Exit status 77: Slurm is not installed, or cannot run here; the reason is the last line of the output.
set -uo pipefail
program="$(realpath "$1")" batch="$(realpath "$2")"
skip() { echo "skipped: $*"; exit 77; }

for tool in munged slurmctld slurmd sbatch squeue; do
  [[ -n "$(PATH=$PATH:/usr/sbin command -v "$tool")" ]] || skip "$tool is not installed (Debian: slurm-wlm, munge)"
done
PATH=$PATH:/usr/sbin
((EUID == 0)) || skip "a Slurm of one's own needs root"

work="$(mktemp -d)"
chmod 755 "$work"
mkdir "$work/state" "$work/spool"
daemons=()
tear_down() {
  for ((i = ${#daemons[@]} - 1; i >= 0; --i)); do kill "${daemons[i]}" 2>/dev/null; wait "${daemons[i]}" 2>/dev/null; done
  rm -rf "$work"
}
trap tear_down EXIT

host="$(hostname -s)"
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
cat >"$work/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
ReturnToService=2
SelectType=select/cons_tres
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP MaxTime=INFINITE
CONF
export SLURM_CONF="$work/slurm.conf"

head -c 1024 /dev/urandom >"$work/munge.key"
chmod 400 "$work/munge.key"
munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munge.pid" --seed-file="$work/munge.seed" \
  --log-file="$work/munge.log" >"$work/munged.out" 2>&1 &
daemons+=($!)
for ((i = 0; i < 50; ++i)); do [[ -S "$work/munge.socket" ]] && break; sleep 0.1; done
[[ -S "$work/munge.socket" ]] || skip "munged does not start here: $(tail -n 1 "$work/munged.out")"
slurmctld -D >"$work/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D >"$work/slurmd.out" 2>&1 &
daemons+=($!)
for ((i = 0; i < 150; ++i)); do
  [[ "$(sinfo -h -o %T 2>/dev/null)" == idle ]] && break
  sleep 0.2
done
[[ "$(sinfo -h -o %T 2>/dev/null)" == idle ]] || skip "no Slurm node comes up here: $(grep -hE 'error|fatal' "$work/slurmd.out" "$work/slurmctld.out" | tail -n 1)"

films="$work/films" out="$work/out"
mkdir "$films"
for i in 1 2 3 4 5; do
  gst-launch-1.0 -q videotestsrc num-buffers=5 ! video/x-raw,width=160,height=120 ! x264enc ! mp4mux ! filesink location="$films/$i.mp4" || exit 1
done
export FMPN_ANNOTATE="$program"
sbatch --array=0-2 --cpus-per-task=1 --chdir="$work" --output="$work/task-%a.log" "$batch" "$films" -o "$out" --no-report || exit 1
for ((i = 0; i < 1200; ++i)); do
  [[ -z "$(squeue -h 2>/dev/null)" ]] && break
  sleep 0.4
done
cat "$work"/task-*.log
[[ -z "$(squeue -h 2>/dev/null)" ]] || { echo "the array is not at its end after eight minutes"; exit 1; }
[[ "$(ls "$work"/task-*.log | wc -l)" == 3 ]] || { echo "not every task has run"; exit 1; }
"$program" merge "$out" --no-report || exit 1
/usr/bin/python3 - "$out/summary.json" <<'CHECK'
import json, sys
totals = json.load(open(sys.argv[1]))["totals"]
print("totals:", totals)
sys.exit(0 if (totals["done"], totals["failed"], totals["frames"]) == (5, 0, 25) else 1)
CHECK
