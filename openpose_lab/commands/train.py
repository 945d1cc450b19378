"""Train a network on photos with labelled keypoints, or fine-tune one.

The result is a weights file for the demo: demo_image.py --weights FILE photo.jpg. The run saves its state in a
checkpoint beside FILE. After Ctrl-C or a crash, --resume continues from the checkpoint.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
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
    from openpose_lab.training.checkpoints import Checkpoint
    from openpose_lab.training.data import Recipe
    from openpose_lab.training.labels import Labels
    from openpose_lab.training.run import Row
    from openpose_lab.training.start import Start
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
_LAYOUT = "layout"
_PHOTOS = "photos"
"""The setting with the digest of the photos and labels."""
_VALIDATION = "validation"
"""The setting with the digest of the photos and labels for validation."""
EXAMPLES = """examples:
  python -m openpose_lab train --images photos --annotations people.json --out mine.weights.h5
      trains lightweight from random weights
  python -m openpose_lab train --images photos --annotations people.json --weights START --out mine.weights.h5
      continues from trained weights
  python -m openpose_lab train --images photos --annotations people.json --weights START \\
      --teacher lightweight --unlabelled more_photos --out mine.weights.h5
      learns from labels and from the maps of lightweight, also on photos without labels
  python -m openpose_lab train --images photos --annotations people.json --network vgg19 --front imagenet \\
      --freeze front --epochs 100 --out mine.weights.h5
      trains the stages behind a front with ImageNet weights
  python -m openpose_lab train --images photos --annotations dogs.json --layout dog.toml --out dog.weights.h5
      trains your own layout
  python -m openpose_lab train --images photos --annotations people.json --preview labels.png --epochs 0
      draws a picture of the targets, without training; look at it to check the labels

Ctrl-C ends the run after the current step. The same command with --resume continues the run.
"""

_FIRST_PHOTOS = 4
"""The number of photos that random weights are scaled on."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    check_files(options)
    spec, config, labels, held_out = read_inputs(options)

    set_up_keras(options)
    settings = run_settings(options, config.layout, labels, held_out)
    begun = read_begun(options, settings)
    start = make_network(options, spec, config)
    if options.epochs:
        check_machine(options, start.model)
    check_photos(options, labels, held_out)  # after cheaper checks: decoding all photos can take minutes
    teacher = make_teacher(options, config)
    recipe = make_recipe(options, spec)
    if begun:
        from openpose_lab.training.checkpoints import restore

        restore(start.model.variables, begun.weights, checkpoint_of(options))
    else:
        scale_weights(start, config, recipe, labels)
    if options.preview:
        save_preview(options.preview, spec, config, recipe, labels, start.model, teacher)
    if options.epochs:
        from openpose_lab.training.checkpoints import only_run

        with only_run(checkpoint_of(options)):
            run(options, spec, config, recipe, labels, held_out, start.model, teacher, settings, begun)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse and check the command line."""
    parser = make_parser("openpose-lab train", __doc__, EXAMPLES)
    data = parser.add_argument_group("photos and labels")
    add_known_photos_options(data, required=True)
    data.add_argument("--limit", type=int, metavar="N", help="use only the N photos with the lowest ids")
    data.add_argument(
        "--layout", type=Path, metavar="FILE", help="your own layout, TOML or JSON (default: the network's)"
    )
    data.add_argument(
        "--validate-images",
        type=Path,
        metavar="DIR",
        help="photos for validation; AP is measured on them at the height --side",
    )
    data.add_argument("--validate-annotations", type=Path, metavar="FILE", help="the keypoints of --validate-images")
    data.add_argument(
        "--validate-every", type=int, default=5, metavar="N", help="epochs between two validations (default: 5)"
    )
    teacher = parser.add_argument_group("a teacher: another network that provides targets")
    teacher.add_argument(
        "--teacher", metavar="NETWORK", help=f"a network with the same layout: one of {', '.join(NETWORKS)}"
    )
    teacher.add_argument(
        "--teacher-weights", type=Path, metavar="FILE", help="the teacher's weights file (default: the network's own)"
    )
    teacher.add_argument(
        "--teacher-quality",
        choices=QUALITIES,
        help="the views of a photo that the teacher sees (default: best: several views and their mirror images)",
    )
    teacher.add_argument(
        "--teacher-share", type=float, metavar="S", help="the teacher's share of the loss, up to 1 (default: 0.5)"
    )
    teacher.add_argument(
        "--unlabelled", type=Path, metavar="DIR", help="photos without labels; the teacher provides all their targets"
    )
    network = parser.add_argument_group("network")
    add_weights_options(network, "a weights file of any supported form to start from (default: random weights)")
    network.add_argument(
        "--front",
        type=Path,
        metavar="FILE",
        help="a weights file for the front only: of this network, or for VGG-19 fronts of VGG-19 in "
        "keras.applications; imagenet downloads the latter",
    )
    network.add_argument(
        "--freeze", choices=["front"], help="do not train the layers of the front that are loaded from a file"
    )
    seen = parser.add_argument_group("inputs and targets")
    seen.add_argument(
        "--side",
        type=int,
        default=368,
        metavar="N",
        help="width and height of the network's input in pixels (default: 368)",
    )
    seen.add_argument(
        "--augment",
        choices=["paper", "none"],
        default="paper",
        help="paper: rotate, scale, move and mirror photos at random; none: only crop them (default: paper)",
    )
    seen.add_argument(
        "--scale",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="the longer side of a person's box as a share of the input, with --augment paper (default: 0.5 1.1)",
    )
    seen.add_argument("--sigma", type=float, metavar="S", help="spread of a heatmap peak in cells (default: 1.24)")
    seen.add_argument("--limb-width", type=float, metavar="W", help="half width of a limb in cells (default: 1)")
    how = parser.add_argument_group("training")
    how.add_argument(
        "--epochs", type=int, default=50, metavar="N", help="number of epochs; 0 only draws --preview (default: 50)"
    )
    how.add_argument(
        "--batch",
        type=int,
        default=1,
        metavar="N",
        help="photos in a step; a GPU is faster with more (default: 1)",
    )
    how.add_argument(
        "--optimizer", choices=["adam", "paper"], default="adam", help="paper: SGD with momentum (default: adam)"
    )
    how.add_argument(
        "--rate",
        type=float,
        metavar="R",
        help="the initial learning rate (default: 1e-3, or 2e-5 with --weights; 5e-6 with --optimizer paper)",
    )
    how.add_argument("--workers", type=int, default=1, metavar="N", help="threads that read photos (default: 1)")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random numbers (default: 0)")
    how.add_argument("--mixed", action="store_true", help="use mixed precision (16 bits); faster on GPUs")
    how.add_argument(
        "--deterministic", action="store_true", help="get the same weights in each run on the same machine; slower"
    )
    out = parser.add_argument_group("output")
    out.add_argument("--out", type=Path, metavar="FILE", help="the weights file to write: NAME.weights.h5")
    out.add_argument(
        "--checkpoint-every",
        type=float,
        default=600,
        metavar="SECONDS",
        help="time between checkpoints within an epoch; each epoch also ends with one (default: 600)",
    )
    out.add_argument("--resume", action="store_true", help="continue the run with the same --out from its checkpoint")
    out.add_argument("--log", type=Path, metavar="FILE", help="write a CSV file with the losses of each epoch")
    out.add_argument("--tensorboard", type=Path, metavar="DIR", help="write logs for TensorBoard")
    out.add_argument(
        "--preview", type=Path, metavar="FILE", help="draw a picture of inputs, targets and answers before training"
    )
    options = parser.parse_args(arguments)
    check_options(options)
    return options


def check_options(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if options contradict each other, or a number is out of range."""
    find_network(options.network)
    if (options.validate_images is None) != (options.validate_annotations is None):
        raise OpenPoseLabError("--validate-images and --validate-annotations need each other; give both or neither")
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
    if not options.epochs and not options.preview:
        raise OpenPoseLabError("--epochs 0 trains nothing; give --preview FILE to draw the targets")
    if options.epochs and not options.out:
        raise OpenPoseLabError("--out is missing; give the weights file to write, such as --out mine.weights.h5")
    if options.resume and not options.epochs:
        raise OpenPoseLabError("--resume needs the --epochs of the run; --epochs 0 trains nothing")
    if options.out and not options.out.name.endswith(".weights.h5"):
        raise OpenPoseLabError(f"--out must end in .weights.h5 but is {options.out}")
    if options.log and options.log.suffix.lower() != ".csv":
        raise OpenPoseLabError(f"--log must end in .csv but is {options.log}")
    for name in ("teacher_weights", "teacher_quality", "teacher_share", "unlabelled"):
        if getattr(options, name) is not None and options.teacher is None:
            raise OpenPoseLabError(f"--{name.replace('_', '-')} needs a teacher; also give --teacher NETWORK")
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
        raise OpenPoseLabError("--freeze front needs weights of a file; also give --front or --weights")


def read_inputs(options: argparse.Namespace) -> tuple[NetworkSpec, Config, Labels, Labels | None]:
    """Return the network, its configuration, the labelled photos, and the photos for validation."""
    from estimation.config import Config
    from openpose_lab.layout_files import read_layout
    from openpose_lab.networks.loading import spec_for
    from openpose_lab.training.labels import read_labels, unlabelled_photos, with_people
    from openpose_lab.training.validation import check_measurable

    spec = find_network(options.network)
    if options.layout:
        spec = replace(spec, layout=read_layout(options.layout))
    elif options.weights:
        spec = spec_for(options.network, options.weights)
    labels = with_people(read_labels(options.annotations, options.images, spec.layout, options.limit))
    if options.unlabelled:
        labels = replace(labels, photos=labels.photos + unlabelled_photos(options.unlabelled, spec.layout))
    held_out = None
    if options.validate_images:
        require("pycocotools", "measuring AP")
        held_out = read_labels(options.validate_annotations, options.validate_images, spec.layout)
        check_measurable(spec.layout, held_out)
    return spec, Config(spec.layout), labels, held_out


def make_teacher(options: argparse.Namespace, config: Config) -> Teacher | None:
    """Load the teacher. Returns None without ``--teacher``."""
    if options.teacher is None:
        return None
    from openpose_lab.training.teacher import find_teacher

    views = QUALITIES[options.teacher_quality]
    try:
        return find_teacher(options.teacher, options.teacher_weights, views, config.layout, options.teacher_share)
    except OpenPoseLabError as error:  # the networks' own messages name the option of all other programs
        raise OpenPoseLabError(str(error).replace("--weights", "--teacher-weights")) from None


def check_photos(options: argparse.Namespace, labels: Labels, held_out: Labels | None) -> None:
    """Raise OpenPoseLabError if a photo cannot be read, if it contradicts its labels, or if an output replaces it."""
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
    """Return the path of the run's checkpoint."""
    name: str = options.out.name.removesuffix(".weights.h5")
    return Path(options.out.with_name(f"{name}.checkpoint.npz"))


def check_files(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if an output cannot be written, is also an input, or belongs to another run."""
    from estimation.files import check_picture_type, open_input
    from openpose_lab.networks.reading import files_of
    from openpose_lab.networks.storage import record_path

    outputs = [path for path in (options.log, options.preview) if path]
    if options.epochs:
        outputs += [options.out, record_path(options.out), checkpoint_of(options)]
    front = None if options.front == IMAGENET else options.front
    inputs = [("start weights", options.weights), ("front weights", front), ("layout", options.layout)]
    inputs += [("annotations", options.annotations), ("annotations", options.validate_annotations)]
    inputs.append(("teacher's weights", options.teacher_weights))
    claim_outputs(outputs, inputs)
    for weights in filter(None, (options.weights, front)):
        open_input(files_of(weights)[0], "weights file").close()
    if options.preview:
        check_picture_type(options.preview)
    for folder in [*(path.parent for path in outputs), *filter(None, [options.tensorboard])]:
        try_folder(folder)
    if options.tensorboard:
        require("tensorboard", "--tensorboard")
    if not options.epochs:
        return
    checkpoint = checkpoint_of(options)
    if options.resume and not checkpoint.is_file():
        raise OpenPoseLabError(f"there is no checkpoint {checkpoint}; leave out --resume to start a new run")
    if not options.resume and checkpoint.is_file():
        raise OpenPoseLabError(
            f"{checkpoint} is the checkpoint of a stopped run; give --resume to continue it, or delete it to "
            f"start again"
        )


def try_folder(folder: Path) -> None:
    """Create a folder if it does not exist. Raise OpenPoseLabError if files cannot be written into it."""
    from tempfile import TemporaryFile

    from estimation.files import cannot_write

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(folder, error) from None


def make_recipe(options: argparse.Namespace, spec: NetworkSpec) -> Recipe:
    """Return the recipe that turns photos into inputs and targets."""
    from estimation.synthesis import LIMB_WIDTH, SIGMA
    from openpose_lab.training.augmentation import Augmentation
    from openpose_lab.training.data import Recipe

    augmentation = Augmentation()
    if options.scale:
        augmentation = replace(augmentation, scale=tuple(options.scale))
    return Recipe.of_network(
        spec,
        side=options.side,
        augmentation=None if options.augment == "none" else augmentation,
        sigma=SIGMA if options.sigma is None else options.sigma,
        limb_width=LIMB_WIDTH if options.limb_width is None else options.limb_width,
        seed=options.seed,
    )


def read_begun(options: argparse.Namespace, settings: dict[str, Any]) -> Checkpoint | None:
    """Read the checkpoint of the run to resume. Returns None without ``--resume``."""
    if not options.resume:
        return None
    from openpose_lab.training.checkpoints import read_checkpoint

    checkpoint = checkpoint_of(options)
    begun = read_checkpoint(checkpoint)
    check_settings(checkpoint, begun.settings, settings)
    print(f"{shown(checkpoint)}: continuing after step {begun.step}")
    return begun


def make_network(options: argparse.Namespace, spec: NetworkSpec, config: Config) -> Start:
    """Build the network with its initial weights. Frozen layers are not trainable."""
    from openpose_lab.training.start import freeze_front, start_network

    start = start_network(spec, config.layout, options.weights, options.front)
    total = sum(bool(layer.weights) for layer in start.model.layers)
    if not options.resume:
        print(f"{spec.name}: {len(start.loaded)} of {total} layers start with weights of a file")
    if len(start.loaded) < total and not options.resume:
        print(f"  {total - len(start.loaded)} layers start with random weights")
    if start.left_out:
        print(f"  {len(start.left_out)} layers have another shape in the file, as for another layout")
    if options.freeze:
        print(f"  {freeze_front(spec, start)} layers of the front are frozen")
    return start


def scale_weights(start: Start, config: Config, recipe: Recipe, labels: Labels) -> None:
    """Scale the random weights of a network on the first photos."""
    from openpose_lab.training.data import Batches
    from openpose_lab.training.start import fit_to_photos

    if any(layer.weights and layer.name not in start.loaded for layer in start.model.layers):
        photos, _ = Batches(config, recipe, labels.photos, _FIRST_PHOTOS).batch(0)
        fit_to_photos(start.model, photos, start.loaded)


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
    settings: dict[str, Any],
    begun: Checkpoint | None,
) -> None:
    """Train, and write the weights."""
    import keras
    from tqdm import tqdm

    from openpose_lab.networks.network import LoadedNetwork
    from openpose_lab.networks.runtimes.keras import KerasRuntime
    from openpose_lab.training.data import Batches
    from openpose_lab.training.memory import out_of_memory_as_sentence
    from openpose_lab.training.result import write_weights
    from openpose_lab.training.run import Plan, Watch, compile_trainer, train
    from openpose_lab.training.validation import network_precision

    checkpoint = checkpoint_of(options)
    batches = Batches(config, recipe, labels.photos, options.batch, options.workers, teacher)
    trainer = compile_trainer(network, make_optimizer(options, batches.steps * options.epochs))
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
        write_weights(options.out, spec, config.layout, network, options.annotations)

    more = [keras.callbacks.TensorBoard(options.tensorboard)] if options.tensorboard else []
    plan = Plan(
        options.epochs, checkpoint, options.checkpoint_every, settings, options.validate_every, options.log, more
    )
    if held_out and options.weights and not begun:
        print(f"AP before training: {validate():.3f}")
    with (
        first_signal_waits() as stop,
        tqdm(total=batches.steps, desc="steps", leave=False, disable=None) as bar,
        out_of_memory_as_sentence(options.batch),
    ):
        rows = train(
            trainer, batches, plan, Watch(stepped, finished, validate if held_out else None, keep, stop), begun
        )
        if stop():
            print(f"stopped; the same command with --resume continues from {shown(checkpoint)}", file=sys.stderr)
            return
    best = rows[-1]
    if held_out and options.out.is_file():
        best = max(rows, key=lambda row: (row.get("AP", -1), row["epoch"]))
    else:  # without validation, or if a user deleted the file
        keep()
    checkpoint.unlink(missing_ok=True)
    print_result(options, config, recipe, held_out, best)


def print_result(
    options: argparse.Namespace, config: Config, recipe: Recipe, held_out: Labels | None, best: Row
) -> None:
    """Print where the weights are, and their AP beside the AP of ground-truth maps."""
    from openpose_lab.training.validation import ideal_precision

    out = shown(options.out)
    print(f"wrote {out} with the weights of epoch {best['epoch']:.0f}; try it: demo_image.py --weights {out}")
    if held_out and "AP" in best:
        ideal = ideal_precision(config, held_out, options.side, recipe.sigma, recipe.limb_width)
        share = f", {best['AP'] / ideal:.3f} times that" if ideal > 0 else ""
        print(f"AP of ground-truth maps through the same stages: {ideal:.3f}; of the network: {best['AP']:.3f}{share}")


def run_settings(
    options: argparse.Namespace, layout: Layout, labels: Labels, held_out: Labels | None
) -> dict[str, Any]:
    """Return the settings that the weights depend on. A resumed run needs the same settings."""
    from openpose_lab.layout_files import layout_to_text
    from openpose_lab.training.labels import digest

    names = ["network", "weights", "front", "freeze", "limit", "side", "augment", "scale", "sigma", "limb_width"]
    names += ["epochs", "batch", "optimizer", "rate", "seed", "mixed", "teacher", "teacher_weights"]
    names += ["teacher_quality", "teacher_share", "unlabelled"]
    settings = {name: getattr(options, name) for name in names}
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
    settings[_LAYOUT] = layout_to_text(layout)
    return {**settings, _PHOTOS: digest(labels), _VALIDATION: digest(held_out) if held_out else None}


def check_settings(checkpoint: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise OpenPoseLabError if the settings differ from those of the run to resume."""
    whole = {
        _PHOTOS: "on other photos or labels",
        _VALIDATION: "with other photos or labels for validation",
        _LAYOUT: "with another layout",
    }
    for name, value in now.items():
        if before.get(name) != value:
            text = f"with --{name.replace('_', '-')} {before.get(name)}, not {value}"
            raise OpenPoseLabError(
                f"{checkpoint} belongs to a run {whole.get(name, text)}; give the same options and files, or delete "
                f"it to start again"
            )


def make_optimizer(options: argparse.Namespace, steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer for a run of this number of steps."""
    from openpose_lab.training.optimizers import PAPER_RATE, RATE, TRAINED_RATE, adam, paper_sgd

    if options.optimizer == "paper":
        return paper_sgd(steps, options.rate or PAPER_RATE)
    return adam(steps, options.rate or (TRAINED_RATE if options.weights else RATE))


def line_of(row: Row, epochs: int) -> str:
    """Return the line that reports an epoch."""
    stages: dict[str, list[str]] = {"pafs": [], "heatmaps": []}
    for name, value in row.items():
        for kind, values in stages.items():
            if name.endswith(kind):
                values.append(f"{value:.1f}")
    text = f"epoch {row['epoch']:.0f} of {epochs}: loss {row['loss']:.1f}"
    text += "".join(f", {kind} {' '.join(values)}" for kind, values in stages.items())
    text += f"; {row['photos_per_second']:.1f} photos/s"
    return text + (f"; AP {row['AP']:.3f}" if "AP" in row else "")


def check_machine(options: argparse.Namespace, network: keras.Model) -> None:
    """Raise OpenPoseLabError if a step does not fit into memory, or the checkpoints do not fit on the disk."""
    from openpose_lab.training.checkpoints import check_room
    from openpose_lab.training.memory import check_memory

    check_memory(network, options.side, options.batch)
    check_room(checkpoint_of(options), network, 1 if options.optimizer == "paper" else 2, options.resume)


def set_up_keras(options: argparse.Namespace) -> None:
    """Load Keras with TensorFlow, and set its seed, its determinism and its precision."""
    from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

    use_tensorflow()
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(options.seed)
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
    if options.mixed:
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        if not on_gpu:
            note = "--mixed makes training slower, because TensorFlow finds no GPU"
            warnings.warn(OpenPoseLabWarning(note), stacklevel=2)
        # On a CPU, lightweight trained at 0.4 times the speed of float32 in bfloat16, and far slower in float16.
        keras.mixed_precision.set_global_policy("mixed_float16" if on_gpu else "mixed_bfloat16")
