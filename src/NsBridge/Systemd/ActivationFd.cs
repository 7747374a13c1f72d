namespace NsBridge.Systemd;

/// <summary>A descriptor as the service manager handed it over.</summary>
/// <param name="Descriptor">Its number in this process.</param>
/// <param name="Name">Its <c>FileDescriptorName=</c>.</param>
internal readonly record struct ActivationFd(int Descriptor, string Name);
