"""train.py - a job of `ward run`: fits a line to points that it makes itself, by gradient descent, and
leaves the model and how well it fits in /output. Needs no network, and nothing but Python itself.

    ward run train.toml --job . --output result -- --steps 400
"""

import argparse
import json
import random


def points(count, seed):
    """Around y = 3 x - 2, each a little off."""
    numbers = random.Random(seed)
    for _ in range(count):
        x = numbers.uniform(-1, 1)
        yield x, 3 * x - 2 + numbers.gauss(0, 0.05)


def step(data, slope, offset, rate):
    """The line after one step down the mean squared error."""
    errors = [(x, slope * x + offset - y) for x, y in data]
    slope -= rate * 2 * sum(error * x for x, error in errors) / len(data)
    offset -= rate * 2 * sum(error for _, error in errors) / len(data)
    return slope, offset


def main():
    parser = argparse.ArgumentParser(description="fits a line")
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    data = list(points(200, seed=7))
    slope = offset = 0.0
    for number in range(options.steps):
        slope, offset = step(data, slope, offset, rate=0.1)
        if number % 100 == 0:
            print(f"step {number}: y = {slope:.3f} x + {offset:.3f}", flush=True)
    loss = sum((slope * x + offset - y) ** 2 for x, y in data) / len(data)
    with open("/output/model.json", "w", encoding="ascii") as file:
        json.dump({"slope": slope, "offset": offset, "loss": loss}, file)


if __name__ == "__main__":
    main()
