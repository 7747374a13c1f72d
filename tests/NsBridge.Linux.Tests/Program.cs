using NsBridge.Linux;
using NsBridge.Linux.Interop;

// The tests' child process, see OwnChild: each verb prints one line.
switch (args)
{
    case ["enter", var path]:
        var reference = NetworkNamespace.AtPath(path);
        int opened = reference.OpenSocket(Libc.AF_INET, Libc.SOCK_STREAM, out _, out EnterFailure failure);
        Console.WriteLine(opened >= 0 ? "entered" : reference.Explain(failure));
        return 0;
    case ["receive-more-than-fit"]:
        Libc.SocketPair(Libc.SOCK_STREAM, out int sender, out int receiver);
        int[] sent = Enumerable.Repeat(sender, Libc.DescriptorsPerMessage).ToArray();
        Libc.SendDescriptors(sender, [1], sent);
        int[] received = new int[Libc.DescriptorsPerMessage];
        nint got = Libc.ReceiveDescriptors(receiver, new byte[8], received, out int count, out bool truncated);
        // Printing needs a descriptor or two.
        foreach (int descriptor in received.AsSpan(0, count))
            Libc.Close(descriptor);
        Console.WriteLine($"{got} {(count < sent.Length ? "fewer" : "all")} {(truncated ? "truncated" : "whole")}");
        return 0;
    default:
        return 64;
}
