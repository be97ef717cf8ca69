"""What looks at all that an account was charged in a billing period: the settling of its deals.

A deal is a rating method that charges nothing of its own but changes what others come to. They are
settled in this order, each on what those before it have left:

    Conditional        what is charged when another product is charged
    Minimum, Maximum   what a period's charges of a usage product are raised or lowered to, where
                       its rating method says MinMaxPer = Period
    Discount           one after the other: by DiscountPriority, then the product's
                       OrderOfExecution, then the account product's Id
    Commitment         what the charges of a term lack of what was committed to

Settling reads the *open* lines of accounts (those on no invoice, or on one that is CURRENT), finds
what their deals come to now, and brings the lines of the deals to that. So it may be done as often
as anybody likes: what is as it should be stays; a line that is on no invoice is replaced, one on a
CURRENT invoice is reversed and written anew, one on an invoice that is closed stays for good.
SETTLED_CHARGE remembers what each line was reckoned from. The accounts are locked, and all of it is
one transaction for some hundred accounts: killed at any statement it leaves nothing, and of two at
once the second finds the work done.

A line counts in the billing period of its day, where its account is. One that comes after that
period's invoice was closed counts in the first open period, on whose invoice it will be. Without a
billing profile, periods are calendar months. What counts are lines in the payer's currency that are
billable, and neither a tax nor a fee of an invoice.

Amounts are those of the lines as they are charged, rounded. What a deal comes to is rounded once,
by the rule of the currency; spread over lines, each gets the rounded sum up to it, less the rounded
sum before it, so that the parts add up exactly and a later line changes no earlier one's part.

A discount that is propagated holds for each account below, as if that had it itself. Minimums and
commitments are settled when their days are over, discounts and maximums from the first line on.
"""

from billing.rating.settling.running import CHUNK, Settled, due, settle

__all__ = ["CHUNK", "Settled", "due", "settle"]
