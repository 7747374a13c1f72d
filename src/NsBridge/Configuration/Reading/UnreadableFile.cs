namespace NsBridge.Configuration.Reading;

/// <summary>Why a file cannot be read.</summary>
/// <param name="Message">In words, without the file's name.</param>
internal sealed record UnreadableFile(string Message)
{
    /// <summary>Whether nothing at all is there.</summary>
    public bool IsMissing { get; init; }

    /// <summary>Whether this user lacks the permission.</summary>
    public bool IsForbidden { get; init; }
}
