namespace NsBridge.Commands.Doctor;

/// <summary>One link of a bridge's chain, as it was found.</summary>
/// <param name="Name">What is looked at, one word.</param>
/// <param name="State">How it is.</param>
/// <param name="Finding">What was found, in words.</param>
/// <param name="Cure">What to do about it; null where nothing is to be done.</param>
internal sealed record CheckResult(string Name, CheckState State, string Finding, string? Cure = null)
{
    /// <summary>Whether it is broken for this user alone, who lacks a privilege to look further.</summary>
    public bool LacksPrivilege { get; init; }

    public static CheckResult Ok(string name, string finding) => new(name, CheckState.Ok, finding);

    public static CheckResult Note(string name, string finding) => new(name, CheckState.Note, finding);

    public static CheckResult Broken(string name, string finding, string cure) => new(name, CheckState.Broken, finding, cure);
}
