#!/usr/bin/env bash
# sbatch slurm.sh --recipe celebamask-hq/symmflow --data-root DATA --out RUN
# Submitted again it goes on: the training ends with a checkpoint before the time is up, and saves when it is preempted.
#SBATCH --job-name=symmbench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=%x-%j.log
set -euo pipefail

minutes=${MINUTES:-1410}                 # of the 24 hours; the rest is for loading and saving
files=$(python -c 'import symmbench.bench as b; print(b.__path__[0])')/launch
config=${CONFIG:-$files/four-nodes.yaml} # or $files/fsdp.yaml
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)
export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=${TORCH_ELASTIC_SHUTDOWN_TIMEOUT:-300}  # seconds to save in after a signal
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-64}  # Slurm does not hand it on by itself since 22.05
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-8}

# shellcheck disable=SC2016  # SLURM_NODEID is another one on every machine
srun --kill-on-bad-exit=1 bash -c '
    exec accelerate launch --config_file "$1" --machine_rank "$SLURM_NODEID" --num_machines "$SLURM_JOB_NUM_NODES" \
        --num_processes "$2" --main_process_ip "$3" --main_process_port "$4" \
        -m symmbench.bench train --max-minutes "$5" "${@:6}"
' train "$config" "$((SLURM_JOB_NUM_NODES * ${SLURM_GPUS_ON_NODE:-8}))" "$head" "${PORT:-29500}" "$minutes" "$@"
