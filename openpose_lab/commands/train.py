"""Train a network on photos with labelled keypoints, or fine-tune one.

The result is a weights file that the demo runs: demo_image.py --weights FILE photo.jpg. While a run goes on, FILE's
checkpoint lies beside it, and after Ctrl-C or a crash --resume goes on from there.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.quality import QUALITIES
from openpose_lab.commands.options import add_known_photos_options, add_weights_options, check_range, make_parser
from openpose_lab.commands.program import claim_outputs, first_signal_waits, shown
from openpose_lab.extras import require
from openpose_lab.networks import NETWORKS
from openpose_lab.networks.catalogue import find_network
from openpose_lab.training import IMAGENET

if TYPE_CHECKING:
    import keras

    from estimation.config import Config
    from estimation.layouts import Layout
    from openpose_lab.networks.spec import NetworkSpec
    from openpose_lab.training.data import Recipe
    from openpose_lab.training.labels import Labels
    from openpose_lab.training.run import Row
    from openpose_lab.training.teacher import Teacher

_RANGES: dict[str, tuple[float, float]] = {
    "limit": (1, 10**9),
    "validate_every": (1, 10**6),
    "sigma": (0.2, 10),
    "limb_width": (0.2, 10),
    "epochs": (0, 10**6),
    "batch": (1, 10**5),
    "rate": (1e-9, 10),
    "workers": (1, 256),
    "seed": (0, 2**32 - 1),
    "checkpoint_every": (0, 10**6),
}
_PHOTOS = "photos"
"""The setting that stands for the photos and their labels."""
EXAMPLES = """examples:
  python -m openpose_lab train --images photos --annotations people.json --out mine.weights.h5
      trains lightweight from random weights
  python -m openpose_lab train --images photos --annotations people.json --weights START --rate 1e-4 \\
      --out mine.weights.h5
      goes on with weights that are trained
  python -m openpose_lab train --images photos --annotations people.json --weights START --rate 1e-4 \\
      --teacher lightweight --unlabelled more_photos --out mine.weights.h5
      learns from labels and from the maps of lightweight, of photos without labels too
  python -m openpose_lab train --images photos --annotations people.json --network vgg19 --front imagenet \\
      --freeze front --epochs 100 --out mine.weights.h5
      the stages after a front that was trained on ImageNet
  python -m openpose_lab train --images photos --annotations dogs.json --layout dog.toml --out dog.weights.h5
      a layout of your own
  python -m openpose_lab train --images photos --annotations people.json --out mine.weights.h5 \\
      --preview labels.png --epochs 0
      only a picture of the targets, so that you see whether the labels are right

Ctrl-C ends the run after the step that it is in. The same command with --resume goes on.
"""

_FIRST_PHOTOS = 4
"""Photos by which random weights are scaled."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    check_files(options)
    spec, config, labels, held_out = read_inputs(options)
    teacher = make_teacher(options, config)
    check_photos(options, labels, held_out)

    from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

    use_tensorflow()
    import keras

    keras.utils.set_random_seed(options.seed)
    if options.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    if options.mixed:
        use_mixed_precision()
    recipe = make_recipe(options, spec)
    network = make_network(options, spec, config, recipe, labels)
    if options.preview:
        save_preview(options.preview, spec, config, recipe, labels, network, teacher)
    if options.epochs:
        run(options, spec, config, recipe, labels, held_out, network, teacher)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser("openpose-lab train", __doc__, EXAMPLES)
    data = parser.add_argument_group("photos and labels")
    add_known_photos_options(data, required=True)
    data.add_argument("--limit", type=int, metavar="N", help="use the N photos with the lowest ids alone")
    data.add_argument(
        "--layout", type=Path, metavar="FILE", help="a layout of your own, TOML or JSON (default: the network's)"
    )
    data.add_argument(
        "--validate-images",
        type=Path,
        metavar="DIR",
        help="other photos, on which AP is measured, at the height of --side",
    )
    data.add_argument("--validate-annotations", type=Path, metavar="FILE", help="their keypoints")
    data.add_argument(
        "--validate-every", type=int, default=5, metavar="N", help="epochs between measurements (default: 5)"
    )
    teacher = parser.add_argument_group("a teacher, whose maps are targets, too")
    teacher.add_argument(
        "--teacher", metavar="NETWORK", help=f"a network of the same layout: one of {', '.join(NETWORKS)}"
    )
    teacher.add_argument(
        "--teacher-weights", type=Path, metavar="FILE", help="its weights file (default: the network's own)"
    )
    teacher.add_argument(
        "--teacher-quality",
        choices=QUALITIES,
        help="the views of a photo that it sees (default: best, several views, mirrored too)",
    )
    teacher.add_argument(
        "--teacher-share", type=float, metavar="S", help="its share of the loss, up to 1 (default: 0.5)"
    )
    teacher.add_argument(
        "--unlabelled", type=Path, metavar="DIR", help="photos without labels, for which its maps are the targets"
    )
    network = parser.add_argument_group("network")
    add_weights_options(network, "weights to start from, of any form that can be read (default: random ones)")
    network.add_argument(
        "--front",
        type=Path,
        metavar="FILE",
        help="weights of the front alone: a file of this network, or for VGG-19 fronts one of keras.applications' "
        "VGG-19; imagenet fetches that",
    )
    network.add_argument(
        "--freeze", choices=["front"], help="keep the layers of the front that have weights of a file as they are"
    )
    seen = parser.add_argument_group("what the network sees")
    seen.add_argument("--side", type=int, default=368, metavar="N", help="pixels of its input (default: 368)")
    seen.add_argument(
        "--augment",
        choices=["paper", "none"],
        default="paper",
        help="paper: photos are turned, scaled, moved and mirrored at random; none: they are cut only (default: paper)",
    )
    seen.add_argument(
        "--scale",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="the share of the input that a person takes, with --augment paper (default: 0.5 1.1)",
    )
    seen.add_argument("--sigma", type=float, metavar="S", help="spread of a heatmap's peak in cells (default: 1.24)")
    seen.add_argument("--limb-width", type=float, metavar="W", help="half width of a limb in cells (default: 1)")
    how = parser.add_argument_group("training")
    how.add_argument("--epochs", type=int, default=50, metavar="N", help="times each photo is seen (default: 50)")
    how.add_argument(
        "--batch", type=int, default=1, metavar="N", help="photos to a step; more use a GPU better (default: 1)"
    )
    how.add_argument(
        "--optimizer", choices=["adam", "paper"], default="adam", help="paper: SGD with momentum (default: adam)"
    )
    how.add_argument(
        "--rate", type=float, metavar="R", help="the learning rate it begins with (default: 1e-3; paper: 5e-6)"
    )
    how.add_argument("--workers", type=int, default=1, metavar="N", help="threads that read photos (default: 1)")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random (default: 0)")
    how.add_argument("--mixed", action="store_true", help="compute in 16 bits where that is safe; faster on GPUs")
    how.add_argument(
        "--deterministic", action="store_true", help="give the same weights each time, on the same machine; slower"
    )
    out = parser.add_argument_group("output")
    out.add_argument("--out", type=Path, required=True, metavar="FILE", help="the weights file: NAME.weights.h5")
    out.add_argument(
        "--checkpoint-every",
        type=float,
        default=600,
        metavar="SECONDS",
        help="time between checkpoints within an epoch; each epoch ends with one, too (default: 600)",
    )
    out.add_argument("--resume", action="store_true", help="go on where the run with the same --out stopped")
    out.add_argument("--log", type=Path, metavar="FILE", help="a CSV file with the losses of each epoch")
    out.add_argument("--tensorboard", type=Path, metavar="DIR", help="write logs for TensorBoard")
    out.add_argument(
        "--preview", type=Path, metavar="FILE", help="a picture of targets and answers, before training begins"
    )
    options = parser.parse_args(arguments)
    check_options(options)
    return options


def check_options(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if options contradict each other, or a number is out of range."""
    find_network(options.network)
    if (options.validate_images is None) != (options.validate_annotations is None):
        raise OpenPoseLabError("--validate-images and --validate-annotations belong together; give both or neither")
    for name, (low, high) in _RANGES.items():
        value = getattr(options, name)
        if value is not None:
            check_range(f"--{name.replace('_', '-')}", value, low, high)
    if options.side % 8 or not 64 <= options.side <= 2048:
        raise OpenPoseLabError(f"--side must be a multiple of 8 from 64 to 2048 but is {options.side}")
    if options.scale and not 0.05 <= options.scale[0] <= options.scale[1] <= 5:
        raise OpenPoseLabError(
            f"--scale must be two numbers from 0.05 to 5, the lower one first, but is {options.scale}"
        )
    if options.scale and options.augment == "none":
        raise OpenPoseLabError("--scale has no effect with --augment none; leave one of them out")
    if not options.out.name.endswith(".weights.h5"):
        raise OpenPoseLabError(f"--out must end in .weights.h5 but is {options.out}")
    if options.log and options.log.suffix.lower() != ".csv":
        raise OpenPoseLabError(f"--log must end in .csv but is {options.log}")
    for name in ("teacher_weights", "teacher_quality", "teacher_share", "unlabelled"):
        if getattr(options, name) is not None and options.teacher is None:
            raise OpenPoseLabError(f"--{name.replace('_', '-')} needs a teacher; give --teacher NETWORK, too")
    if options.teacher is not None:
        find_network(options.teacher)
        options.teacher_quality = options.teacher_quality or "best"
        options.teacher_share = 0.5 if options.teacher_share is None else options.teacher_share
        if not 0 < options.teacher_share <= 1:
            raise OpenPoseLabError(
                f"--teacher-share must be above 0 and at most 1 but is {options.teacher_share:g}; leave --teacher out "
                f"for none"
            )
    if options.freeze and not (options.front or options.weights):
        raise OpenPoseLabError("--freeze front keeps weights of a file; give --front or --weights too")


def read_inputs(options: argparse.Namespace) -> tuple[NetworkSpec, Config, Labels, Labels | None]:
    """The network, its configuration, the labelled photos, and those that AP is measured on."""
    from estimation.config import Config
    from openpose_lab.layout_files import read_layout
    from openpose_lab.networks.loading import spec_for
    from openpose_lab.training.labels import read_labels, unlabelled_photos

    spec = find_network(options.network)
    if options.layout:
        spec = replace(spec, layout=read_layout(options.layout))
    elif options.weights:
        spec = spec_for(options.network, options.weights)
    labels = read_labels(options.annotations, options.images, spec.layout, options.limit)
    if options.unlabelled:
        labels = replace(labels, photos=labels.photos + unlabelled_photos(options.unlabelled, spec.layout))
    held_out = None
    if options.validate_images:
        require("pycocotools", "measuring AP")
        held_out = read_labels(options.validate_annotations, options.validate_images, spec.layout)
    return spec, Config(spec.layout), labels, held_out


def make_teacher(options: argparse.Namespace, config: Config) -> Teacher | None:
    """The teacher; None if there is none."""
    if options.teacher is None:
        return None
    from openpose_lab.training.teacher import find_teacher

    views = QUALITIES[options.teacher_quality]
    return find_teacher(options.teacher, options.teacher_weights, views, config.layout, options.teacher_share)


def check_photos(options: argparse.Namespace, labels: Labels, held_out: Labels | None) -> None:
    """Raise OpenPoseLabError if a photo cannot be read, does not fit its labels, or would be overwritten."""
    from tqdm import tqdm

    from openpose_lab.training.labels import check_labels

    sets = [one for one in (labels, held_out) if one]
    paths = [photo.path for one in sets for photo in one.photos]
    if options.preview:
        claim_outputs([options.preview], [("photo", path) for path in paths])
    with tqdm(total=len(paths), desc="checking", unit="photo", leave=False, disable=None, delay=1) as bar:
        for one in sets:
            check_labels(one, bar.update)


def checkpoint_of(options: argparse.Namespace) -> Path:
    """The file that says where the run stands."""
    name: str = options.out.name.removesuffix(".weights.h5")
    return Path(options.out.with_name(f"{name}.checkpoint.npz"))


def check_files(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if an output cannot be written, would overwrite an input, or is of another run."""
    from estimation.files import check_picture_type, open_input
    from openpose_lab.networks.reading import files_of
    from openpose_lab.networks.storage import record_path

    checkpoint = checkpoint_of(options)
    outputs = [options.out, record_path(options.out), checkpoint]
    outputs += [path for path in (options.log, options.preview) if path]
    front = None if options.front == IMAGENET else options.front
    inputs = [("start weights", options.weights), ("front weights", front), ("layout", options.layout)]
    inputs += [("annotations", options.annotations), ("annotations", options.validate_annotations)]
    inputs.append(("teacher's weights", options.teacher_weights))
    claim_outputs(outputs, inputs)
    for weights in filter(None, (options.weights, front)):
        open_input(files_of(weights)[0], "weights file").close()
    if options.preview:
        check_picture_type(options.preview)
    for folder in filter(None, (options.out.parent, options.tensorboard)):
        try_folder(folder)
    if options.tensorboard:
        require("tensorboard", "--tensorboard")
    if options.resume and not checkpoint.is_file():
        raise OpenPoseLabError(f"there is no {checkpoint} to go on from; leave out --resume to begin")
    if not options.resume and checkpoint.is_file():
        raise OpenPoseLabError(
            f"{checkpoint} is where a run stopped: give --resume to go on with it, or delete it to begin anew"
        )


def try_folder(folder: Path) -> None:
    """Raise OpenPoseLabError if no file can be written into a folder. It is made unless it exists."""
    from tempfile import TemporaryFile

    from estimation.files import cannot_write

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(folder, error) from None


def make_recipe(options: argparse.Namespace, spec: NetworkSpec) -> Recipe:
    """How photos become inputs and targets."""
    from estimation.synthesis import LIMB_WIDTH, SIGMA
    from openpose_lab.training.augmentation import Augmentation
    from openpose_lab.training.data import Recipe

    augmentation = Augmentation()
    if options.scale:
        augmentation = replace(augmentation, scale=tuple(options.scale))
    return Recipe(
        options.side,
        None if options.augment == "none" else augmentation,
        SIGMA if options.sigma is None else options.sigma,
        LIMB_WIDTH if options.limb_width is None else options.limb_width,
        spec.stride,
        spec.offset,
        spec.channels == "rgb",
        options.seed,
    )


def make_network(
    options: argparse.Namespace, spec: NetworkSpec, config: Config, recipe: Recipe, labels: Labels
) -> keras.Model:
    """The network with the weights that it starts from. What is frozen is not trainable."""
    from openpose_lab.training.data import Batches
    from openpose_lab.training.start import fit_to_photos, front_layers, start_network

    start = start_network(spec, config.layout, options.weights, options.front)
    total = sum(bool(layer.weights) for layer in start.model.layers)
    print(f"{spec.name}: {len(start.loaded)} of {total} layers begin with weights of a file, the others at random")
    if start.left_out:
        print(f"  {len(start.left_out)} layers have another shape in the file, as for another layout")
    check_memory(options, start.model)
    if len(start.loaded) < total and not options.resume:
        photos, _ = Batches(config, recipe, labels.photos, _FIRST_PHOTOS).batch(0)
        fit_to_photos(start.model, photos, start.loaded)
    if options.freeze:
        frozen = set(front_layers(spec, start.model)) & set(start.loaded)
        for name in frozen:
            start.model.get_layer(name).trainable = False
        print(f"  {len(frozen)} layers of the front stay as they are")
    return start.model


def save_preview(
    path: Path,
    spec: NetworkSpec,
    config: Config,
    recipe: Recipe,
    labels: Labels,
    network: keras.Model,
    teacher: Teacher | None,
) -> None:
    """Write a picture of some inputs with their targets and the network's answers."""
    from estimation.files import encode_picture, write_whole
    from openpose_lab.training.preview import draw_preview

    write_whole(path, encode_picture(path, draw_preview(spec, config, recipe, labels.photos, network, teacher)))
    print(f"wrote {shown(path)}")


def run(
    options: argparse.Namespace,
    spec: NetworkSpec,
    config: Config,
    recipe: Recipe,
    labels: Labels,
    held_out: Labels | None,
    network: keras.Model,
    teacher: Teacher | None,
) -> None:
    """Train, and write the weights."""
    import keras
    from tqdm import tqdm

    from openpose_lab.networks.network import LoadedNetwork
    from openpose_lab.networks.runtimes.keras import KerasRuntime
    from openpose_lab.training.checkpoints import read_checkpoint
    from openpose_lab.training.data import Batches
    from openpose_lab.training.run import Plan, Watch, compile_trainer, train
    from openpose_lab.training.validation import ideal_precision, network_precision

    checkpoint = checkpoint_of(options)
    settings = run_settings(options, config.layout, labels)
    begun = read_checkpoint(checkpoint) if options.resume else None
    if begun:
        check_settings(checkpoint, begun.settings, settings)
    steps = -(-len(labels.photos) // options.batch)
    trainer = compile_trainer(network, make_optimizer(options, steps))
    check_room(options, network, trainer)
    batches = Batches(config, recipe, labels.photos, options.batch, options.workers, teacher)
    loaded = LoadedNetwork(spec, KerasRuntime(network))

    def validate() -> float:
        assert held_out is not None
        with tqdm(total=len(held_out.photos), desc="AP", unit="photo", leave=False, disable=None) as photos:
            return network_precision(config, held_out, loaded, options.side, photos.update)

    def finished(row: Row) -> None:
        bar.reset()
        print(line_of(row, options.epochs), flush=True)

    def stepped(loss: float) -> None:
        bar.set_postfix(loss=f"{loss:.1f}", refresh=False)
        bar.update()

    def keep() -> None:
        write_weights(options, spec, config.layout, network)

    more = [keras.callbacks.TensorBoard(options.tensorboard)] if options.tensorboard else []
    plan = Plan(
        options.epochs, checkpoint, options.checkpoint_every, settings, options.validate_every, options.log, more
    )
    with (
        first_signal_waits() as stop,
        tqdm(total=steps, desc="steps", leave=False, disable=None) as bar,
        out_of_memory_is_told(options),
    ):
        rows = train(
            trainer, batches, plan, Watch(stepped, finished, validate if held_out else None, keep, stop), begun
        )
        if stop():
            print(f"stopped; {shown(checkpoint)} has the state, and --resume goes on", file=sys.stderr)
            return
    if not held_out:
        keep()
    checkpoint.unlink(missing_ok=True)
    print(f"wrote {shown(options.out)}; try it: demo_image.py --weights {shown(options.out)}")
    if held_out:
        best = max(row["AP"] for row in rows if "AP" in row)
        ideal = ideal_precision(config, held_out, options.side, recipe.sigma, recipe.limb_width)
        share = f", {best / ideal:.2f} times that" if ideal > 0 else ""
        print(f"AP of the labels' own maps, through the same stages: {ideal:.3f}; of the network: {best:.3f}{share}")


def run_settings(options: argparse.Namespace, layout: Layout, labels: Labels) -> dict[str, Any]:
    """The settings that a run goes on with: all that its weights depend on."""
    from openpose_lab.layout_files import layout_to_text
    from openpose_lab.training.labels import digest

    names = ["network", "weights", "front", "freeze", "limit", "side", "augment", "scale", "sigma", "limb_width"]
    names += ["epochs", "batch", "optimizer", "rate", "seed", "mixed", "teacher", "teacher_weights"]
    names += ["teacher_quality", "teacher_share", "unlabelled"]
    settings = {name: getattr(options, name) for name in names}
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
    settings |= {"layout": layout_to_text(layout), "annotations": str(options.annotations)}
    return {**settings, _PHOTOS: digest(labels)}


def check_settings(checkpoint: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise OpenPoseLabError if a run would go on with other settings than it began with."""
    for name, value in now.items():
        if before.get(name) != value and name == _PHOTOS:
            raise OpenPoseLabError(
                f"{checkpoint} is of a run on other photos or labels than the files have now; give those again, or "
                f"delete it to begin anew"
            )
        if before.get(name) != value:
            raise OpenPoseLabError(
                f"{checkpoint} is of a run with --{name.replace('_', '-')} {before.get(name)}, not {value}; give the "
                f"same options, or delete it to begin anew"
            )


def make_optimizer(options: argparse.Namespace, steps: int) -> keras.optimizers.Optimizer:
    """Adam with a rate that falls to 0 like a cosine, or the paper's SGD."""
    import keras

    total = steps * options.epochs
    if options.optimizer == "paper":
        # OpenPose's solver: momentum 0.9, weight decay 5e-4, a third of the rate after each of several periods. Caffe
        # halves the loss, so its rate of 4e-5 is 2e-5 here. With that rate lightweight's loss grows without bound.
        schedule = keras.optimizers.schedules.ExponentialDecay(options.rate or 5e-6, max(total // 4, 1), 1 / 3, True)
        return keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=5e-4)
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(options.rate or 1e-3, total))


def line_of(row: Row, epochs: int) -> str:
    """An epoch, for people to read."""
    stages: dict[str, list[str]] = {"pafs": [], "heatmaps": []}
    for name, value in row.items():
        for kind, values in stages.items():
            if name.endswith(kind):
                values.append(f"{value:.1f}")
    text = f"epoch {row['epoch']:.0f} of {epochs}: loss {row['loss']:.1f}"
    text += "".join(f", {kind} {' '.join(values)}" for kind, values in stages.items())
    text += f"; {row['photos_per_second']:.1f} photos/s"
    return text + (f"; AP {row['AP']:.3f}" if "AP" in row else "")


def use_mixed_precision() -> None:
    """Compute in 16 bits from here on. A note says that this is slower without a GPU."""
    import keras
    import tensorflow as tf

    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    if not on_gpu:
        warnings.warn(OpenPoseLabWarning("--mixed makes a run slower where TensorFlow sees no GPU"), stacklevel=2)
    # A CPU trained lightweight with bfloat16 at 0.4 times the speed of float32, and with float16 far slower.
    keras.mixed_precision.set_global_policy("mixed_float16" if on_gpu else "mixed_bfloat16")


def check_room(options: argparse.Namespace, network: keras.Model, trainer: keras.Model) -> None:
    """Raise OpenPoseLabError if the disk will not do, before an hour is lost."""
    variables = [*network.variables, *trainer.optimizer.variables]
    needed = 2 * sum(variable.numpy().nbytes for variable in variables)  # the new checkpoint beside the old one
    free = shutil.disk_usage(options.out.absolute().parent).free
    if free < needed:
        raise OpenPoseLabError(
            f"checkpoints need {needed >> 20} MB beside {shown(options.out)}, but {free >> 20} MB are free; free some, "
            f"or write to another disk"
        )


def check_memory(options: argparse.Namespace, network: keras.Model) -> None:
    """Raise OpenPoseLabError if a step needs more memory than is free."""
    import tensorflow as tf

    from openpose_lab.training.memory import available_bytes, largest_batch, step_bytes

    available = available_bytes()
    if available is None or tf.config.list_physical_devices("GPU"):
        return
    expected = step_bytes(network, options.side, options.batch)
    if expected > available:
        batch = largest_batch(network, options.side, available)
        raise OpenPoseLabError(
            f"a batch of {options.batch} needs about {expected >> 20} MB of memory, but {available >> 20} MB are free; "
            + (f"give --batch {batch}" if batch else "give a smaller --side")
        )


@contextmanager
def out_of_memory_is_told(options: argparse.Namespace) -> Iterator[None]:
    """Turn TensorFlow's error of too little memory into a sentence."""
    import tensorflow as tf

    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        smaller = f"--batch {options.batch // 2}, or a smaller --side" if options.batch > 1 else "a smaller --side"
        raise OpenPoseLabError(f"a batch of {options.batch} does not fit in memory; give {smaller}") from None


def write_weights(options: argparse.Namespace, spec: NetworkSpec, layout: Layout, network: keras.Model) -> None:
    """Write the weights and their record."""
    from openpose_lab.checksums import checksum
    from openpose_lab.networks.storage import encode, keep_weights

    made_from = {
        "form": "trained",
        "network": spec.name,
        "published_as": None,
        "licence": "unknown: trained on photos of the user's own",
        "files": {options.annotations.name: checksum(options.annotations, "sha256", "annotations file")},
    }
    own = None if layout == find_network(spec.name).layout else layout
    keep_weights(options.out, encode(network, spec.name, half=False, layout=own), made_from)
