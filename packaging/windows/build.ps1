# Build dist\GalaxyScope-VERSION-setup.exe on Windows. Never run so far, see ..\README.md.
# Needs Python 3.11 or newer (py) and Inno Setup 6.3 or newer (ISCC.exe on the PATH).
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..\..")

function Invoke-Checked([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program $Arguments ended with $LASTEXITCODE" }
}

Invoke-Checked "py" @("-3", "-m", "venv", "--clear", "build\freeze")
$python = "build\freeze\Scripts\python.exe"
$pip = @("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt")
Invoke-Checked $python ($pip + @("hatchling"))
Remove-Item -Recurse -Force build\dist -ErrorAction SilentlyContinue
Invoke-Checked $python @("-m", "hatchling", "build", "-d", "build\dist")
$wheel = (Get-ChildItem build\dist\galaxyscope-*.whl).FullName
Invoke-Checked $python ($pip + @($wheel, "pyinstaller>=6.10,<7"))
Invoke-Checked "build\freeze\Scripts\pyinstaller.exe" @(
    "--noconfirm", "--distpath", "build\frozen", "--workpath", "build\work", "packaging\galaxyscope.spec")

$version = & $python -c "import galaxyscope; print(galaxyscope.__version__)"
$icon = "from PIL import Image; Image.open(r'resources\icons\galaxyscope-256.png').save(r'build\galaxyscope.ico')"
Invoke-Checked $python @("-c", $icon)
Invoke-Checked "ISCC.exe" @("/DVersion=$version", "packaging\windows\galaxyscope.iss")
