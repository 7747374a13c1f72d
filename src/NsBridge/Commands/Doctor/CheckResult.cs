using System.Text.Json.Serialization;

namespace NsBridge.Commands.Doctor;

[JsonConverter(typeof(JsonStringEnumConverter<CheckState>))]
internal enum CheckState
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>It cannot be decided, or does not matter here.</summary>
    [JsonStringEnumMemberName("note")]
    Note,

    /// <summary>This user lacks a privilege to check it.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    [JsonStringEnumMemberName("broken")]
    Broken,
}

/// <summary>The result of one check of a bridge.</summary>
/// <param name="Name">What is checked, one word.</param>
/// <param name="State">How it is.</param>
/// <param name="Finding">What was found, in words.</param>
/// <param name="Cure">A command to paste, with words as a shell comment, or what to write into the configuration; null for none.</param>
internal sealed record CheckResult(string Name, CheckState State, string Finding, string? Cure = null)
{
    public static CheckResult Ok(string name, string finding) => new(name, CheckState.Ok, finding);

    public static CheckResult Note(string name, string finding) => new(name, CheckState.Note, finding);

    public static CheckResult Unknown(string name, string finding, string cure) => new(name, CheckState.Unknown, finding, cure);

    public static CheckResult Broken(string name, string finding, string cure) => new(name, CheckState.Broken, finding, cure);
}
