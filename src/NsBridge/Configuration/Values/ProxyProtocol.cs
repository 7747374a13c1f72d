namespace NsBridge.Configuration.Values;

/// <summary>The version of HAProxy's PROXY protocol header that tells the target the client's address.</summary>
internal enum ProxyProtocol
{
    None,
    V1,
    V2,
}
