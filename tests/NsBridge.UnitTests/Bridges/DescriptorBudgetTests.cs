using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges.Admission;
using NsBridge.Control;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Bridges;

internal sealed class DescriptorBudgetTests
{
    [Test]
    public void Measure_WhileClientsHaveNotTakenWhatTheyMay_MakesNoMoreRoom()
    {
        var budget = new DescriptorBudget(2 * ShortRequestServer.MostSessions, NullLogger<DescriptorBudget>.Instance);
        int clients = 0;
        for (; budget.HasRoom(0, DescriptorBudget.PerClient); clients++)
            budget.Reserve(DescriptorBudget.PerClient);

        budget.Measure();
        Assert.That(budget.HasRoom(0, DescriptorBudget.PerClient), Is.False);

        budget.Release(clients * DescriptorBudget.PerClient);
        for (int again = 0; again < clients; again++)
            budget.Reserve(DescriptorBudget.PerClient);
        Assert.That(budget.HasRoom(0, DescriptorBudget.PerClient), Is.False, "as much as before");
    }

    [Test]
    [Promise("fair")]
    public void HasRoom_NearTheLimit_IsForBridgesBelowTheirShare()
    {
        var budget = new DescriptorBudget(servers: 0, NullLogger<DescriptorBudget>.Instance) { Bridges = 2 };
        int held = 0;
        for (; budget.HasRoom(held, DescriptorBudget.PerClient); held += DescriptorBudget.PerClient)
            budget.Reserve(DescriptorBudget.PerClient);

        Assert.That(budget.HasRoom(0, DescriptorBudget.PerClient), "another bridge accepts");
        int others = 0;
        for (; budget.HasRoom(others, DescriptorBudget.PerClient); others += DescriptorBudget.PerClient)
            budget.Reserve(DescriptorBudget.PerClient);
        Assert.That(others, Is.InRange(held / 4, held / 2), "a quarter of the room");
    }

    [Test]
    public void Flows_TakeOneDescriptorEach()
    {
        var budget = new DescriptorBudget(servers: 0, NullLogger<DescriptorBudget>.Instance);
        int clients = 0, flows = 0;
        for (; budget.TryFindRoom(0, DescriptorBudget.PerClient); clients++)
            budget.Reserve(DescriptorBudget.PerClient);
        budget.Release(clients * DescriptorBudget.PerClient);
        for (; budget.TryFindRoom(0, DescriptorBudget.PerFlow); flows++)
            budget.Reserve(DescriptorBudget.PerFlow);

        Assert.That(flows, Is.InRange(2 * clients, 2 * clients + 1));
    }

    [Test]
    public void FlowsPerBridge_OfManyBridges_AreAQuarterOfTheDescriptorsInAll()
    {
        const int Bridges = 100;
        var budget = new DescriptorBudget(servers: 0, NullLogger<DescriptorBudget>.Instance);
        int quarter = Libc.DescriptorLimit() / 4;
        int alone = budget.FlowsPerBridge;
        budget.CountFlowBridges(Bridges);

        Assert.That(alone, Is.EqualTo(Math.Min(8192, quarter)));
        Assert.That(budget.FlowsPerBridge, Is.EqualTo(Math.Clamp(quarter / Bridges, 1, 8192)));
        budget.CountFlowBridges(1 - Bridges);
        Assert.That(budget.FlowsPerBridge, Is.EqualTo(alone));
    }

    [Test]
    public void CountEntries_OfAFolderThatCannotBeOpened_IsNoFault() =>
        Assert.That(DescriptorBudget.CountEntries($"/proc/self/{Path.GetRandomFileName()}"), Is.Null);
}
