using NsBridge.Configuration;

namespace NsBridge.CommandLine;

/// <summary>What <c>nsbridge import</c> was given.</summary>
/// <param name="Sources">Command lines such as <c>socat …</c>, or unit files that hold them; at least one.</param>
internal sealed record ImportOptions(ValueList<string> Sources);
