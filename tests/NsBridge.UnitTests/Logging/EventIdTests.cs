using System.Reflection;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Lifecycle;

namespace NsBridge.UnitTests.Logging;

internal sealed class EventIdTests
{
    /// <summary>The journal's EVENT_ID= is what a script filters by.</summary>
    [Test]
    public void EventIds_OfAllMessages_AreEachOfOneMessageOnly()
    {
        const BindingFlags all = BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly;
        var messages = typeof(Bridge).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(all))
            .Select(method => (Name: $"{method.DeclaringType!.Name}.{method.Name}", method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId))
            .Where(message => message.EventId is not null)
            .ToList();
        Assert.That(messages, Has.Count.GreaterThan(20));
        Assert.That(messages.GroupBy(message => message.EventId).Where(group => group.Count() > 1), Is.Empty);
    }
}
