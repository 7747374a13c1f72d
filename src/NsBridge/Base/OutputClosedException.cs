namespace NsBridge.Base;

/// <summary>Whoever read standard output has had enough, such as <c>head</c>: nothing is wrong, and there is nothing left to do.</summary>
internal sealed class OutputClosedException() : Exception("Nobody reads standard output any more.");
