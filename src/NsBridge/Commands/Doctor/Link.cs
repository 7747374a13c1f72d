namespace NsBridge.Commands.Doctor;

/// <summary>One link of a bridge's chain, as it was found.</summary>
/// <param name="Name">What is looked at, one word.</param>
/// <param name="State">How it is.</param>
/// <param name="Finding">What was found, in words.</param>
/// <param name="Cure">What to do about it; null where nothing is to be done.</param>
internal sealed record Link(string Name, LinkState State, string Finding, string? Cure = null)
{
    /// <summary>Whether it is broken for this user alone, who lacks a privilege to look further.</summary>
    public bool LacksPrivilege { get; init; }

    public static Link Ok(string name, string finding) => new(name, LinkState.Ok, finding);

    public static Link Note(string name, string finding) => new(name, LinkState.Note, finding);

    public static Link Broken(string name, string finding, string cure) => new(name, LinkState.Broken, finding, cure);
}
