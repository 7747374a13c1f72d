namespace NsBridge.Control;

/// <summary>
/// What is spoken on the control socket: the client sends one line with a word, the daemon answers with one JSON document and
/// closes. <c>status</c> is answered with a <see cref="StatusDocument"/>; anything else is closed without a word.
/// </summary>
internal static class ControlProtocol
{
    /// <summary>Bytes of the longest request, its line feed included.</summary>
    public const int LongestRequest = 64;

    public static ReadOnlySpan<byte> StatusRequest => "status\n"u8;
}
