; Inno Setup 6.3: installer of the folder that PyInstaller made. Called by build.ps1.
#ifndef Version
  #error "call with /DVersion=…"
#endif
#define Session "GalaxyScope.Session"
#define Fits "GalaxyScope.FITS"
#define Program "GalaxyScope.exe"

[Setup]
; Braces open a constant of Inno Setup; doubled, they stand for themselves.
AppId={{8E1B0C5C-6B0D-4B6B-9C1E-6A3B7F0E2D41}
AppName=GalaxyScope
AppVersion={#Version}
AppPublisher=The GalaxyScope developers
DefaultDirName={autopf}\GalaxyScope
DefaultGroupName=GalaxyScope
DisableProgramGroupPage=yes
; For one user without asking an administrator, or for all.
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
ChangesAssociations=yes
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\build\galaxyscope.ico
UninstallDisplayIcon={app}\{#Program}
OutputDir=..\..\dist
OutputBaseFilename=GalaxyScope-{#Version}-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern

[Tasks]
Name: fits; Description: "Open FITS files with GalaxyScope by double-clicking them"
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[Files]
Source: "..\..\build\frozen\GalaxyScope\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{group}\GalaxyScope"; Filename: "{app}\{#Program}"
Name: "{autodesktop}\GalaxyScope"; Filename: "{app}\{#Program}"; Tasks: desktopicon

[Registry]
; What opens: one class for FITS files, one for sessions. HKA: the user's part or the machine's.
Root: HKA; Subkey: "Software\Classes\{#Fits}"; ValueType: string; ValueData: "FITS image"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\{#Fits}\DefaultIcon"; ValueType: string; ValueData: "{app}\{#Program},0"
Root: HKA; Subkey: "Software\Classes\{#Fits}\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}"" ""%1"""
Root: HKA; Subkey: "Software\Classes\{#Session}"; ValueType: string; ValueData: "GalaxyScope session"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\{#Session}\DefaultIcon"; ValueType: string; ValueData: "{app}\{#Program},0"
Root: HKA; Subkey: "Software\Classes\{#Session}\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}"" ""%1"""
; Endings. Windows knows the last part of a name only: .fits.gz and .fits.fz come as .gz and .fz.
Root: HKA; Subkey: "Software\Classes\.fits\OpenWithProgids"; ValueType: string; ValueName: "{#Fits}"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fit\OpenWithProgids"; ValueType: string; ValueName: "{#Fits}"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fts\OpenWithProgids"; ValueType: string; ValueName: "{#Fits}"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fz\OpenWithProgids"; ValueType: string; ValueName: "{#Fits}"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fits"; ValueType: string; ValueData: "{#Fits}"; Tasks: fits; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fit"; ValueType: string; ValueData: "{#Fits}"; Tasks: fits; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fts"; ValueType: string; ValueData: "{#Fits}"; Tasks: fits; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.fz"; ValueType: string; ValueData: "{#Fits}"; Tasks: fits; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.galaxyscope"; ValueType: string; ValueData: "{#Session}"; Flags: uninsdeletevalue
; "Open with…" for what GalaxyScope can open but does not want as its own.
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "GalaxyScope"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}"" ""%1"""
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}\SupportedTypes"; ValueType: string; ValueName: ".gz"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}\SupportedTypes"; ValueType: string; ValueName: ".jpg"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}\SupportedTypes"; ValueType: string; ValueName: ".png"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}\SupportedTypes"; ValueType: string; ValueName: ".tif"; ValueData: ""

[Run]
Filename: "{app}\{#Program}"; Description: "{cm:LaunchProgram,GalaxyScope}"; Flags: nowait postinstall skipifsilent
