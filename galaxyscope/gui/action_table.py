"""The one table of actions: menus, toolbar, keys, command palette and F1 are made from it."""

from __future__ import annotations

from dataclasses import dataclass

MENUS = ("File", "Edit", "View", "Explain", "Measure", "Models", "Help")


@dataclass(frozen=True)
class ActionSpec:
    """One thing the user can do.

    Parameters
    ----------
    id : str
        Name in code and in the settings.
    menu : str
        Menu it stands in; ``"View/Theme"`` is a submenu, a leading ``-`` puts a
        separator before it.
    text : str
        With a trailing ``…`` where a dialog follows.
    does : str
        Dotted name, below the window, of the method that is called. A checkable action
        passes its state, or `argument` where it belongs to a group.
    keys : tuple of str
        Qt key sequences, the first one is shown.
    icon : str
        Name of an icon of the theme.
    checked : bool or None
        None for an action that is not checkable, else its first state.
    group : str
        Actions of one group exclude each other.
    argument : object
        Passed to the method where not None.
    needs : str
        ``"image"``, ``"map"``, ``"line"``, ``"model"`` or ``"job"``: enabled only while
        there is one.
    tip : str
        One sentence for tooltip and palette.
    """

    id: str
    menu: str
    text: str
    does: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    checked: bool | None = None
    group: str = ""
    argument: object = None
    needs: str = ""
    tip: str = ""


A = ActionSpec
ACTIONS: tuple[ActionSpec, ...] = (
    A("open", "File", "Open files…", "browsing.ask_files", ("Ctrl+O",), "open"),
    A(
        "open_folder",
        "File",
        "Open folder…",
        "browsing.ask_folder",
        ("Ctrl+Shift+O",),
        "open-folder",
    ),
    A("samples", "File", "Open samples", "browsing.open_samples", (), "gallery"),
    A(
        "open_session",
        "-File",
        "Open session…",
        "sessions.ask_open",
        tip="Files, measurements and view that were saved as one file.",
    ),
    A(
        "save_session",
        "File",
        "Save session as…",
        "sessions.ask_save",
        ("Ctrl+S",),
        tip="One file to share. All you do is saved at once, with or without it.",
    ),
    A(
        "close_session",
        "File",
        "Close session",
        "sessions.close_shared",
        tip="Back to your own measurements.",
    ),
    A(
        "import_lines",
        "-File",
        "Import lines…",
        "importing.ask",
        ("Ctrl+I",),
        tip="Catalogues (Hoyle et al. 2011 and others), Zooniverse exports, CSV, DS9 regions.",
    ),
    A("export", "-File", "Export measurements…", "measuring.ask_export", ("Ctrl+E",), "export"),
    A("export_galaxy", "File", "Export this galaxy…", "measuring.ask_export_galaxy", needs="image"),
    A(
        "export_figure",
        "File",
        "Export agreement figure…",
        "agreeing.ask_figure",
        tip="Scatter, Bland–Altman and residuals with caption, as PNG, SVG or PDF.",
    ),
    A(
        "export_script",
        "File",
        "Export as script…",
        "measuring.ask_script",
        needs="image",
        tip="A Python script that measures again and makes the same table.",
    ),
    A(
        "save_picture",
        "File",
        "Save picture…",
        "measuring.ask_picture",
        ("Ctrl+Shift+S",),
        needs="image",
    ),
    A("quit", "-File", "Quit", "close", ("Ctrl+Q",)),
    A("undo", "Edit", "Undo", "undo.undo", ("Ctrl+Z",), "undo"),
    A("redo", "Edit", "Redo", "undo.redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    A(
        "delete",
        "-Edit",
        "Delete measurement",
        "measuring.delete_selected",
        ("Del", "Backspace"),
        "delete",
        needs="line",
    ),
    A(
        "workflow",
        "-Edit",
        "Workflow…",
        "measuring.show_workflow",
        tip="What was done, step by step, as command lines.",
    ),
    A("commands", "-Edit", "Commands…", "open_palette", ("Ctrl+Shift+P",), "search"),
    A("preferences", "-Edit", "Preferences…", "preferring.open_dialog", ("Ctrl+,",)),
    A("previous", "View", "Previous galaxy", "browsing.previous", ("K",), "previous"),
    A("next", "View", "Next galaxy", "browsing.next", ("J",), "next"),
    A("fit", "-View", "Fit", "canvas.fit", ("`",), "fit", needs="image"),
    A("one", "View", "1:1", "canvas.one_to_one", ("1",), "one-to-one", needs="image"),
    A(
        "north_up",
        "View",
        "North up",
        "canvas.set_north_up",
        ("N",),
        "north-up",
        False,
        tip="Turns the view, not the picture; needs a WCS.",
    ),
    *(
        A(f"zoom{n}", "View/Zoom", f"{n} ×", "canvas.zoom", (str(n),), argument=n, needs="image")
        for n in range(2, 10)
    ),
    A("centre", "View", "Centre", "canvas.centre", ("C",), needs="image"),
    A(
        "reset",
        "View",
        "Reset contrast and stretch",
        "canvas.reset_display",
        ("Ctrl+0",),
        needs="image",
        tip="As a double right-click on the picture.",
    ),
    A("tool_pan", "-View/Tool", "Pan", "canvas.set_tool", ("V",), "pan", True, "tool", "pan"),
    A("tool_line", "View/Tool", "Line", "canvas.set_tool", ("L",), "line", False, "tool", "line"),
    A(
        "tool_width",
        "View/Tool",
        "Width",
        "canvas.set_tool",
        ("W",),
        "width",
        False,
        "tool",
        "width",
        tip="A second line, across the bar; it belongs to the selected line.",
    ),
    A(
        "tool_ruler",
        "View/Tool",
        "Ruler",
        "canvas.set_tool",
        ("R",),
        "ruler",
        False,
        "tool",
        "ruler",
        tip="Measures and leaves no record.",
    ),
    A(
        "tool_profile",
        "View/Tool",
        "Profile",
        "canvas.set_tool",
        ("P",),
        "profile",
        False,
        "tool",
        "profile",
        tip="Light and map along a line that leaves no record; of the selected line without it.",
    ),
    A(
        "freeze",
        "View",
        "Freeze coordinates",
        "set_frozen",
        ("F",),
        checked=False,
        needs="image",
    ),
    A(
        "overlay",
        "-View",
        "Show map",
        "mapping.set_visible",
        ("O",),
        "overlay",
        True,
        tip="Lays what the network looked at over the galaxy.",
    ),
    A("blink", "View", "Blink map", "set_blinking", ("B",), checked=False, needs="map"),
    A(
        "lower",
        "View",
        "Lower threshold",
        "mapping.step_threshold",
        ("[",),
        argument=-0.01,
        needs="map",
    ),
    A(
        "higher",
        "View",
        "Raise threshold",
        "mapping.step_threshold",
        ("]",),
        argument=0.01,
        needs="map",
    ),
    A("theme_system", "-View/Theme", "As the system", "set_theme", (), "", True, "theme", "system"),
    A("theme_light", "View/Theme", "Light", "set_theme", (), "", False, "theme", "light"),
    A("theme_dark", "View/Theme", "Dark", "set_theme", (), "", False, "theme", "dark"),
    A("full_screen", "View", "Full screen", "set_full_screen", ("F11",), checked=False),
    A("explain", "Explain", "Explain", "explain", ("E",), "explain", needs="model"),
    A("cancel", "Explain", "Cancel", "cancel", ("Esc",), "cancel", needs="job"),
    A(
        "compare",
        "-Explain",
        "Compare methods",
        "comparing.set_open",
        ("G",),
        "gallery",
        False,
        needs="image",
        tip="Maps of several methods, answers and models side by side, in one view.",
    ),
    A(
        "concepts",
        "Explain",
        "Concepts…",
        "concepts.open_dialog",
        tip="Whether the network uses a concept that folders of examples show (TCAV).",
    ),
    A(
        "auto_explain",
        "-Explain",
        "Explain automatically",
        "explaining.set_automatic",
        checked=False,
        tip="Every galaxy that is opened is explained and measured at once.",
    ),
    A(
        "measure_bar",
        "Measure",
        "Measure bar",
        "explaining.measure_bar",
        ("M",),
        needs="model",
        tip="Explains the answer “bar” and measures the bar on its map.",
    ),
    A("scale", "-Measure", "Pixel scale…", "measuring.ask_scale", ("Ctrl+L",), needs="image"),
    A("redshift", "Measure", "Redshift…", "measuring.ask_redshift", ("Ctrl+R",), needs="image"),
    A("observer", "-Measure", "Observer…", "measuring.ask_observer"),
    A(
        "blind",
        "Measure",
        "Blind series…",
        "blind.ask",
        needs="image",
        tip="Draw bars in random order, with everything hidden that was measured before.",
    ),
    A(
        "width_lines",
        "Measure",
        "Ask for the width too",
        "measuring.set_asks_width",
        checked=False,
        tip="After each line along the bar a second one across it, as in Galaxy Zoo.",
    ),
    A(
        "consensus",
        "-Measure/Algorithm",
        "Map, light and a network's answer together",
        "explaining.set_algorithm",
        (),
        "",
        True,
        "algorithm",
        "consensus",
        tip="Agrees best with people.",
    ),
    A(
        "joint",
        "Measure/Algorithm",
        "Map and light together",
        "explaining.set_algorithm",
        (),
        "",
        False,
        "algorithm",
        "joint",
        tip="No network is asked for the length: what the map shows and what the light says.",
    ),
    A(
        "phase",
        "Measure/Algorithm",
        "Axis from the map, ends from the light",
        "explaining.set_algorithm",
        (),
        "",
        False,
        "algorithm",
        "phase",
        tip="Follows the light along the axis that the map shows.",
    ),
    A(
        "invariant",
        "Measure/Algorithm",
        "Map alone, rotation-invariant",
        "explaining.set_algorithm",
        (),
        "",
        False,
        "algorithm",
        "invariant",
        tip="Measures a bar alike at every angle.",
    ),
    A(
        "published",
        "Measure/Algorithm",
        "Map alone, as published",
        "explaining.set_algorithm",
        (),
        "",
        False,
        "algorithm",
        "published",
        tip="Algorithm 1 of the paper, exactly as its authors ran it.",
    ),
    A(
        "models",
        "Models",
        "Choose model…",
        "choosing.open_dialog",
        ("Ctrl+Shift+M",),
        tip="All models with their cards.",
    ),
    A(
        "add_model",
        "Models",
        "Add model folder…",
        "choosing.ask_folder",
        tip="A folder with a card.json and weights; it can also be dropped on the window.",
    ),
    A("keys", "Help", "Keys", "show_keys", ("F1",)),
    A(
        "diagnostics",
        "Help",
        "Diagnostics…",
        "diagnosing.open_dialog",
        tip="Versions, computer and preferences, to be copied into a report.",
    ),
    A("about", "Help", "About GalaxyScope", "show_about"),
)

# What the canvas and the gallery do by themselves; shown with the rest.
MOUSE = (
    ("Canvas", "Zoom at the cursor", "Wheel"),
    ("Canvas", "Pan", "Middle-drag or Space-drag"),
    ("Canvas", "Contrast and bias", "Right-drag"),
    ("Canvas", "Reset contrast", "Double right-click"),
    ("Canvas", "Draw a line", "L, then drag or click twice"),
    ("Canvas", "Snap the angle of a line", "Shift while dragging"),
    ("Canvas", "Move an end by 1, 0.1, 10 px", "Arrows, Alt+Arrows, Shift+Arrows"),
    ("Canvas", "Other end of the line", "Tab"),
    ("Blind series", "Keep the line and go on", "J"),
    ("Blind series", "No bar", "X"),
    ("Comparison", "Mark a map: marked ones blink", "Click on its title"),
    ("Comparison", "Open a map in the single view", "Double-click on its title"),
    ("Comparison", "Step while the maps blink", "Left, Right"),
    ("Gallery", "Previous, next galaxy", "Arrows"),
)
