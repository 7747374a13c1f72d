namespace NsBridge.Commands.Demo;

/// <summary>What <c>nsbridge demo</c> was given.</summary>
/// <param name="Once">Try the bridge itself, clean up and end.</param>
internal sealed record DemoOptions(bool Once);
