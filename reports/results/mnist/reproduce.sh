#!/usr/bin/env bash
# MNIST: every training and every cell of the records beside this script, from nothing. It goes on where it was cut.
cd "$(dirname "$0")" && source ../steps.sh

get mnist

flows="symmflow-small symmflow-small-official fm-small"
for one in cnn-small $flows diffusion-classifier-small; do train "$one"; done
train cnn-small@1 --set train.seed=1 # it sees whether syntheses show their class, and is compared with nothing

classify() { # ARGUMENTS: at the protocol that they say
    run cnn cnn-small cls --dataset mnist "$@"
    run symmflow symmflow-small cls --dataset mnist --steps 1,2,5,10,20,25 "$@"
    run symmflow symmflow-small-official cls --dataset mnist --steps 1,2,5,10,20,25 "$@"
}
classify
all=$out out=$out/first-500 # those images that the Diffusion Classifier is given time for, in a store of their own
classify --limit 500
run diffusion-classifier diffusion-classifier-small cls --dataset mnist --limit 500 --steps 10,100,1000,2750 --set error=l2
pages
out=$all

for one in $flows diffusion-classifier-small; do
    run "${one%%-small*}" "$one" sis --dataset mnist --limit 1000 --steps 1,2,5,10,25 \
        --extractor digits-cnn --judge cnn --judge-checkpoint "$runs/cnn-small@1"
done

pages
