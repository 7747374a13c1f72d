namespace NsBridge.Configuration;

internal enum BridgeProtocol
{
    Tcp,
    Udp,
}
