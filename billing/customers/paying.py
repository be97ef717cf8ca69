"""Who pays for an account's charges, and in whose days they are.

An account's charges appear on the invoices of its BillableBillingProfile; else of the billing
profile of its BillableAccount, of itself, or of the next account above that has one (named by the
account, or naming it). Days are those of the account's ActivityTimeZone, else of that billing
profile, else of UTC.
"""


def _profile(account: str) -> str:
    """Id of the billing profile of an account: the one it names, else the first that names it."""
    return f"""coalesce({account}.billing_profile_id, (
        SELECT min(p.id) FROM customers_billingprofile p
        WHERE p.account_id = {account}.id AND p.status = 'ACTIVE' AND p.deleted_at IS NULL))"""  # noqa: S608 - an alias


def zone(account: str, profile: str) -> str:
    """SQL of the joins that yield `zone.name`, in whose days the charges of an account are that
    this billing profile pays for."""
    return f"""
    LEFT JOIN localization_timezone own_zone ON own_zone.id = {account}.activity_time_zone_id
    LEFT JOIN localization_timezone payer_zone ON payer_zone.id = {profile}.time_zone_id
    CROSS JOIN LATERAL (
        SELECT coalesce(own_zone.canonical_name, payer_zone.canonical_name, 'UTC') AS name
    ) zone
"""


# The named query `payer`: account_id, profile_id, for the accounts of the query `used`.
PAYER = f"""
up AS (
    SELECT a.id AS account_id, 0 AS steps, coalesce(payer.id, a.id) AS holder_id,
           coalesce(a.billable_billing_profile_id, {_profile("payer")}, {_profile("a")})
           AS profile_id
    FROM customers_account a
    LEFT JOIN customers_account payer ON payer.id = a.billable_account_id
    WHERE a.id IN (SELECT account_id FROM used)
    UNION ALL
    SELECT up.account_id, up.steps + 1, above.id, {_profile("above")}
    FROM up
    JOIN customers_account holder ON holder.id = up.holder_id
    JOIN customers_account above ON above.id = holder.parent_account_id
    WHERE up.profile_id IS NULL
), payer AS (
    SELECT account_id, holder_id AS payer_id, profile_id FROM up WHERE profile_id IS NOT NULL
)
"""  # noqa: S608 - constants only

# The named query `lives`: account_id, profile_id, zone, for the accounts of the query `used`.
LIVES = f"""
{PAYER}, lives AS MATERIALIZED (
    SELECT a.id AS account_id, payer.profile_id, zone.name AS zone
    FROM customers_account a
    LEFT JOIN payer ON payer.account_id = a.id
    LEFT JOIN customers_billingprofile profile ON profile.id = payer.profile_id
    {zone("a", "profile")}
    WHERE a.id IN (SELECT account_id FROM used)
)
"""  # noqa: S608 - constants only
