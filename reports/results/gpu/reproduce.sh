#!/usr/bin/env bash
# What takes a GPU: the paper's network on Fashion-MNIST, a wide one on CIFAR-10 (JPEG), and, in the small network of
# mnist/, more training seeds and SymmFlow's loss weight w and label noise beta. Cheap things first.
cd "$(dirname "$0")" && source ../steps.sh

get mnist fashion-mnist cifar-10-jpeg mobilenet-v2
sees=(--extractor digits-cnn --judge cnn --judge-checkpoint reports/results/mnist/checkpoints/cnn-small@1) # as in mnist/

measure() { # METHOD RUN: on MNIST, as far as the method does it
    case $1 in
        symmflow) run "$1" "$2" cls --dataset mnist --limit 500 --steps 1,2,5,10,20,25 ;;
        diffusion-classifier) run "$1" "$2" cls --dataset mnist --limit 500 --steps 10,100,1000 --set error=l2 ;;
    esac
    run "$1" "$2" sis --dataset mnist --limit 1000 --steps 1,2,5,10,25 "${sees[@]}"
}

for seed in 1 2; do
    for method in symmflow diffusion-classifier fm; do
        train "mnist/$method-small@seed$seed" --set train.seed=$seed
        measure $method "mnist/$method-small@seed$seed"
    done
done
for weight in 0.1 0.3 0.7 0.9; do # 0.5 is the paper's sum over the channels, of two here
    train mnist/symmflow-small@w$weight --set objective.image_weight=$weight
    measure symmflow mnist/symmflow-small@w$weight
done
for beta in 0 0.02 0.1; do # 0.056, a quarter of the labels' distance, is the default
    train mnist/symmflow-small@beta$beta --set labels.beta=$beta
    measure symmflow mnist/symmflow-small@beta$beta
done

for one in 'fashion-mnist/symmflow' 'fashion-mnist/symmflow[official]'; do
    train "$one" --set train.precision=bf16 --set train.accumulate=1
    run symmflow "$one" cls --dataset fashion-mnist --steps 1,2,5,10,20,25
    run symmflow "$one" sis --dataset fashion-mnist --steps 1,2,5,10,25 --extractor mobilenet-v2
done
train cifar-10-jpeg-symmflow
run symmflow cifar-10-jpeg-symmflow cls --dataset cifar-10-jpeg --steps 1,2,5,10,20,25
run symmflow cifar-10-jpeg-symmflow sis --dataset cifar-10-jpeg --steps 1,2,5,10,25 --extractor mobilenet-v2

pages
