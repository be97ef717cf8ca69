"""What the house measures and speaks in: currencies, countries, time zones, languages."""
