using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <summary>What <c>nsbridge import</c> was given.</summary>
/// <param name="Sources">Command lines such as <c>socat …</c>, or unit files that hold them; at least one.</param>
/// <param name="Namespace">Where the targets of commands are that name no namespace themselves; null refuses those.</param>
internal sealed record ImportOptions(ValueList<string> Sources, string? Namespace);
