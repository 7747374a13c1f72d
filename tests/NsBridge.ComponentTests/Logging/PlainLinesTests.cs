using System.IO.Pipes;
using System.Text;
using NsBridge.Base;
using NsBridge.Linux.Interop;
using NsBridge.Logging;

namespace NsBridge.ComponentTests.Logging;

internal sealed class PlainLinesTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    [Test]
    public async Task Write_ToAPipeThatNobodyReads_ReturnsAndTellsOfTheLossOnceItIsRead()
    {
        const int many = 2000;
        await using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        int writeEnd = (int)pipe.ClientSafePipeHandle.DangerousGetHandle();
        var lines = new PlainLines(new StandardStream(writeEnd, _ => { }), () => Libc.Ready(writeEnd, Libc.EPOLLOUT) != 0);

        await Task.Run(() =>
        {
            for (int i = 0; i < many; i++)
                lines.Write("info ", $"message {i} {new string('.', 100)}");
        }).WaitAsync(s_deadline);
        string first = Read(pipe);
        lines.Write("warning ", "and so on");
        string then = Read(pipe);

        string[] arrived = first.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(arrived, Is.All.StartsWith("info message ").And.All.EndsWith("...."), "whole lines");
        Assert.That(arrived, Has.Length.InRange(1, many - 1));
        Assert.That(then, Is.EqualTo($"warning {many - arrived.Length} messages were lost while nothing read standard error\nwarning and so on\n"));
        pipe.DisposeLocalCopyOfClientHandle();
    }

    private static string Read(AnonymousPipeServerStream pipe)
    {
        byte[] bytes = new byte[1 << 20];
        return Encoding.UTF8.GetString(bytes, 0, pipe.Read(bytes));
    }
}
