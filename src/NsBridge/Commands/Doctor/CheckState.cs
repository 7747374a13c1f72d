namespace NsBridge.Commands.Doctor;

internal enum CheckState
{
    Ok,

    /// <summary>Neither well nor broken: it cannot be told, or does not matter here.</summary>
    Note,

    Broken,
}
