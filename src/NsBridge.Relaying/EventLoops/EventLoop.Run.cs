using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Relaying.EventLoops;

// One turn of the loop after another.
public sealed partial class EventLoop
{
    private void Run()
    {
        while (!_stopping)
        {
            // Whatever happens on an epoll happens on the ring that watches it, at the price of one more call: only where something waits on the ring.
            MessageRing? ring = _messages is { Relays: > 0 } ? _messages : null;
            bool isBusy = _again.Count > 0 || !_mailbox.IsEmpty || ring is { HasUnsubmitted: true };
            int timeout = isBusy ? 0 : _timers.Wait(Now);
            int count = Required(_wait.For(ring is null ? _readiness : ring, timeout), "wait");
            Now = Environment.TickCount64;
            // On the ring the epoll counts as one, whatever there is on it: most likely as much as the last time.
            IsQuiet = count <= CalmEvents && (ring is null || _readyBehindRing <= CalmEvents);
            if (ring is null)
                DispatchReadiness(count);
            else
                DispatchCompletions(ring, count);
            RunAgain();
            _timers.Advance(Now);
            _mailbox.Run();
        }
    }

    private void DispatchReadiness(int count)
    {
        _wait.Count(count);
        for (int i = 0; i < count; i++)
        {
            ulong number = _readiness.Data(i);
            if (number == WakeNumber)
                _mailbox.NoteAwake();
            else
                _sources.Find(number)?.OnEvents(_readiness.Events(i), (int)(number & 1));
        }
    }

    private void DispatchCompletions(MessageRing ring, int count)
    {
        bool isReady = false;
        int received = 0;
        for (; count > 0 && ring.TryTake(out IoUringCompletion completion); count--)
        {
            if (completion.HasBuffer)
                received++;
            if (completion.UserData == MessageRing.ReadinessNumber)
            {
                isReady = true;
            }
            else if (_sources.Find(completion.UserData) is { } source)
            {
                source.OnCompletion(completion, (int)(completion.UserData & 7));
            }
            else
            {
                ring.Drop(completion);
            }
        }
        _wait.Count(received);
        _readyBehindRing = 0;
        if (!isReady)
            return;
        ring.NoteReadiness();
        _readyBehindRing = Required(_readiness.Wait(0), "epoll_wait");
        IsQuiet &= _readyBehindRing <= CalmEvents;
        DispatchReadiness(_readyBehindRing);
    }

    private void RunAgain()
    {
        if (_again.Count == 0)
            return;
        (_again, _againNow) = (_againNow, _again);
        while (_againNow.TryDequeue(out EventSource? source))
        {
            source.IsQueued = false;
            if (source.Slot != EventSource.NoSlot)
                source.OnResume();
        }
    }

    private static int Required(int result, string call) => result >= 0
        ? result
        : throw new InvalidOperationException($"{call} failed: {Libc.ErrorOf(result)}");
}
