using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Connecting;

/// <summary>The reason for a failed connect. A target that refuses does so again and again: the sentence is made once.</summary>
internal sealed class FailureText
{
    private (ConnectTarget? Target, int Offset, Errno Error) _last;
    private string _text = "";

    public string Of(ConnectTarget target, int offset, Errno error)
    {
        if (_last != (target, offset, error))
            (_last, _text) = ((target, offset, error), ErrnoText.Connect(target.Describe(offset), error));
        return _text;
    }
}
