namespace NsBridge.Commands.Status;

/// <summary>Bytes a second.</summary>
internal readonly record struct ByteRates(double ToTarget, double ToClient);
