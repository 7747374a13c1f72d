namespace NsBridge.Configuration.Values;

internal enum ListenScope
{
    /// <summary>127.0.0.1 and ::1 (a bare port).</summary>
    Loopback,

    /// <summary>Every address of both families (<c>*</c>).</summary>
    Any,

    /// <summary>The one address that was written.</summary>
    Address,
}
