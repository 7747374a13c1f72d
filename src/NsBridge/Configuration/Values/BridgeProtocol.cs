namespace NsBridge.Configuration.Values;

internal enum BridgeProtocol
{
    Tcp,
    Udp,
}
