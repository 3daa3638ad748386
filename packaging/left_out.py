"""What the packages leave out of what pip installs. Standard library only.

Patterns are matched against paths below ``site-packages`` (or below the standard library) with
`fnmatch`, where ``*`` runs across folders. The Linux tree (``tree.py``) and the PyInstaller build
of Windows and macOS (``galaxyscope.spec``) share them.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

# Distributions that no module of galaxyscope imports, though they are installed with it: captum
# and lime are the references its own methods are tested against; networkx, Jinja and setuptools
# are for compiling networks, tzdata for systems without time zones.
DISTRIBUTIONS = frozenset(
    {"captum", "lime", "imageio", "fsspec"}
    | {"networkx", "jinja2", "markupsafe", "setuptools", "tzdata"}
)

# What is imported, but comes into the environment through one of those.
ADDED_DISTRIBUTIONS = ("scikit-image", "scikit-learn")

FILES = (
    # Tests and what is only there to compile against.
    "*/tests/test_*",
    "*/tests/__pycache__/test_*",
    "*/tests/*/*",
    "*/conftest.*",
    "*/benchmarks/*",
    "*.dist-info/RECORD",
    "*.pyi.in",
    "*.h",
    "*.hpp",
    "*.cuh",
    "*.a",
    "*.lib",
    "*.pxd",
    "*.pyx",
    "*.c",
    "*.cpp",
    "torch/include/*",
    "torch/share/*",
    "torch/test/*",
    "torch/bin/[!t]*",  # torch looks for its torch_shm_manager at every start
    "torch/bin/test*",
    "torch/lib/*test*",
    "torch/lib/libaoti_custom_ops.so",
    "torch/lib/libbackend_with_compiler.so",
    "torch/testing/_internal/*common_[!d]*",  # common_dtype is imported by torch itself
    "torch/testing/_internal/distributed/[!f_]*",  # fake_pg
    "torch/_C/*.pyi",
    "torch/_VF.pyi",
    "torch/_inductor/codegen/*",  # torch.compile, which needs a compiler of the user's
    "torch/_inductor/fx_passes/*",
    "torch/_inductor/kernel/*",
    "torch/testing/_internal/generated/*",
    "torch/testing/_internal/opinfo/*",
    "torch/testing/_internal/optests/*",
    "torch/utils/benchmark/*",
    "torch/utils/tensorboard/*",
    "torch/_vendor/quack/*",  # kernels for graphics cards
    "numpy/_core/_simd*",
    "numpy/_core/*_tests.*",
    "numpy/distutils/*",
    "scipy/datasets/*",
    "scipy/io/_fast_matrix_market/_fmm_core*",
    "scipy/odr/*",
    "sklearn/datasets/data/*",
    "sklearn/datasets/images/*",
    # Of scikit-learn a logistic regression is used, of scikit-image two segmentations.
    "sklearn/cluster/*",
    "sklearn/ensemble/*",
    "sklearn/gaussian_process/*",
    "sklearn/manifold/*",
    "sklearn/mixture/*",
    "sklearn/neighbors/*",
    "sklearn/neural_network/*",
    "sklearn/semi_supervised/*",
    "sklearn/tree/*",
    "skimage/feature/*",
    "skimage/graph/*",
    "skimage/restoration/*",
    "joblib/test/*",
    "scipy/_lib/array_api_compat/dask/*",
    # How the Earth turned each day: for the height above the horizon, not for places in the sky.
    "astropy_iers_data/data/eopc04*",
    "astropy_iers_data/data/finals2000A*",
    "sympy/categories/*",
    "sympy/crypto/*",
    "sympy/diffgeom/*",
    "sympy/holonomic/*",
    "sympy/liealgebras/*",
    "sympy/parsing/*/*.py",
    "sympy/physics/*",
    "sympy/stats/*",
    "skimage/filters/rank/*",
    "skimage/data/*.np[yz]",
    "skimage/data/*.png",
    "skimage/data/*.jpg",
    "PIL/_avif.*",
    "pillow.libs/libavif*",
    "matplotlib/mpl-data/sample_data/*",
    "matplotlib/mpl-data/fonts/ttf/STIX*",
    "matplotlib/mpl-data/fonts/ttf/cm*",
    "matplotlib/mpl-data/fonts/ttf/DejaVuS*Mono*",
    "matplotlib/mpl-data/fonts/ttf/DejaVuSerif*",
    "matplotlib/mpl-data/fonts/afm/*",
    "matplotlib/mpl-data/fonts/pdfcorefonts/*",
    # Of fontTools matplotlib takes what puts a font into a PDF; all of it is there in Python too.
    "fontTools/*.so",
    "fontTools/merge/*",
    "fontTools/mtiLib/*",
    "fontTools/svgLib/*",
    "fontTools/t1Lib/*",
    "fontTools/voltLib/*",
    "pyqtgraph/examples/*",
    # Qt: the window is made of widgets; no QML, no 3D, no SQL, no tools, no translations of Qt.
    "PySide6/Qt/qml/*",
    "PySide6/Qt/metatypes/*",
    "PySide6/Qt/libexec/*",
    "PySide6/Qt/translations/*",
    "PySide6/Qt/lib/*Designer*",
    "PySide6/Qt/lib/*EglFS*",
    "PySide6/Qt/lib/*EglFs*",
    "PySide6/Qt/lib/*Labs*",
    "PySide6/Qt/lib/*Lottie*",
    "PySide6/Qt/lib/*Qml*",
    "PySide6/Qt/lib/*Quick*",
    "PySide6/Qt/lib/*WaylandCompositor*",
    "PySide6/Qt/lib/*WaylandEglCompositor*",
    "PySide6/Qt/lib/libQt6Concurrent.*",
    "PySide6/Qt/lib/libQt6Help.*",
    "PySide6/Qt/lib/libQt6Sql.*",
    "PySide6/Qt/lib/libQt6Test.*",
    "PySide6/Qt/lib/libQt6UiTools.*",
    "PySide6/Qt/plugins/designer/*",
    "PySide6/Qt/plugins/egldeviceintegrations/*",
    "PySide6/Qt/plugins/generic/*",
    "PySide6/Qt/plugins/imageformats/*pdf*",
    "PySide6/Qt/plugins/networkinformation/*",
    "PySide6/Qt/plugins/platforminputcontexts/*virtualkeyboard*",
    "PySide6/Qt/plugins/platforms/*eglfs*",
    "PySide6/Qt/plugins/platforms/*linuxfb*",
    "PySide6/Qt/plugins/platforms/*minimal*",
    "PySide6/Qt/plugins/platforms/*vkkhrdisplay*",
    "PySide6/Qt/plugins/platforms/*vnc*",
    "PySide6/Qt/plugins/printsupport/*",
    "PySide6/Qt/plugins/qmllint/*",
    "PySide6/Qt/plugins/qmlls/*",
    "PySide6/Qt/plugins/qmltooling/*",
    "PySide6/Qt/plugins/sqldrivers/*",
    "PySide6/Qt/plugins/tls/*",
    "PySide6/Qt/plugins/vectorimageformats/*",
    "PySide6/Qt/plugins/wayland-graphics-integration-server/*",
    "PySide6/QtConcurrent.*",
    "PySide6/QtDesigner.*",
    "PySide6/QtHelp.*",
    "PySide6/QtPrintSupport.*",
    "PySide6/QtQml.*",
    "PySide6/QtQuick*",
    "PySide6/QtSql.*",
    "PySide6/QtTest.*",
    "PySide6/QtUiTools.*",
    "PySide6/QtXml.*",
    "PySide6/*.pyi",
    "PySide6/assistant",
    "PySide6/designer",
    "PySide6/doc/*",
    "PySide6/glue/*",
    "PySide6/include/*",
    "PySide6/lib/*",
    "PySide6/libpyside6qml*",
    "PySide6/linguist",
    "PySide6/lrelease",
    "PySide6/lupdate",
    "PySide6/qml*",
    "PySide6/scripts/*",
    "PySide6/svgtoqml",
    "PySide6/typesystems/*",
)

STANDARD_LIBRARY = (
    "site-packages/*",
    "dist-packages/*",
    "config-*",
    "ensurepip/*",
    "idlelib/*",
    "lib2to3/*",
    "pydoc_data/*",
    "test/*",
    "*/tests/*",
    "*/test/*",
    "tkinter/*",
    "turtledemo/*",
    "venv/*",
    "__phello__/*",
    "*.opt-[12].pyc",
    "lib-dynload/_curses*",
    "lib-dynload/_tkinter*",
    "lib-dynload/*test*",
    "lib-dynload/_xx*",
    "lib-dynload/xx*",
    "lib-dynload/*dbm*",
    "lib-dynload/nis.*",
    "lib-dynload/ossaudiodev*",
    "lib-dynload/readline*",
)

# Modules that are shipped with their text: torch reads its own, and a report of an error in
# galaxyscope shows the line. Of all others the compiled form is enough.
WITH_SOURCE = ("galaxyscope/*", "torch/*")
READ_AS_TEXT = ("torch/*config*.py",)  # by torch itself, for what its comments say
WITHOUT_SOURCE = (
    "torch/_dynamo/*",
    "torch/_functorch/*",
    "torch/_inductor/*",
    "torch/_vendor/*",
    "torch/ao/*",
    "torch/distributed/*",
    "torch/onnx/*",
)


def with_source(path: str) -> bool:
    """Whether the text of a module is shipped beside its compiled form."""
    if _any(path, READ_AS_TEXT):
        return True
    return _any(path, WITH_SOURCE) and not _any(path, WITHOUT_SOURCE)


def left_out(path: str, patterns: Iterable[str] = FILES) -> bool:
    """Whether a file stays behind.

    Parameters
    ----------
    path : str
        Relative, with ``/``.
    patterns : iterable of str
    """
    return _any(path, patterns)


def _any(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
