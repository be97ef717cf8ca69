import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('customers', '0004_contacts'),
        ('entities', '0004_watching'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('invoicing', '0003_voided_by_credit'),
        ('localization', '0001_initial'),
        ('mediation', '0001_initial'),
        ('receivables', '0002_payments_and_credits'),
        ('recognition', '0001_initial'),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='AccountingPeriod',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('name', models.CharField(help_text='Name of the period; unique: 2026-02.', max_length=100)),
                    ('start_date', models.DateField(help_text='First day of the period.')),
                    ('end_date', models.DateField(help_text='Last day of the period.')),
                    ('status', metabrm.fields.ListField(default='Open', help_text='Anybody may post to an open period, few to a soft closed one, nobody to a closed one.', max_length=100)),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'accounting period',
                    'verbose_name_plural': 'accounting periods',
                },
            ),
            migrations.CreateModel(
                name='FinancialAccount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('account_number', models.CharField(help_text='Number of the account in the chart; unique.', max_length=100)),
                    ('name', models.CharField(help_text='Name of the account.', max_length=255)),
                    ('financial_account_type', metabrm.fields.ListField(help_text='On which side it grows.', max_length=100, verbose_name='type')),
                    ('description', models.CharField(blank=True, help_text='What is posted to it.', max_length=1000, null=True)),
                    ('status', metabrm.fields.ListField(default='ACTIVE', help_text='Whether rows may be posted to it.', max_length=100)),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('parent_financial_account', models.ForeignKey(blank=True, help_text='The account it is a part of.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.financialaccount')),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'financial account',
                    'verbose_name_plural': 'financial accounts',
                },
            ),
            migrations.CreateModel(
                name='FinancialCriteria',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('exec_order', models.IntegerField(help_text='Place in the order in which rules are tried, low first.', verbose_name='order')),
                    ('status', metabrm.fields.ListField(default='ACTIVE', help_text='Whether anything is posted by it.', max_length=100)),
                    ('account', models.CharField(help_text='The account that is posted to: its number, or a formula that yields it.', max_length=1000, verbose_name='financial account')),
                    ('filter_logic', models.TextField(blank=True, help_text='Which records it is for, as filters joined by logic.', null=True)),
                    ('currency_formula', models.TextField(help_text='Formula of the currency of the rows.')),
                    ('recognition_type', metabrm.fields.ListField(blank=True, help_text='Revenue is recognised over a period, or at once.', max_length=100, null=True)),
                    ('interval_amount', metabrm.fields.ListField(default='Fixed', help_text='Every interval has the same amount, or one that follows from its days.', max_length=100)),
                    ('period_end_date', models.CharField(help_text='Formula of the last day over which revenue is recognised.', max_length=1000)),
                    ('obligation_formula', models.TextField(blank=True, help_text='Formula that is true once the obligation is met.', null=True)),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('entity', models.ForeignKey(help_text='The entity whose records are posted: ACTIVITY, PAYMENT.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='entities.entity')),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'general ledger rule',
                    'verbose_name_plural': 'general ledger rules',
                },
            ),
            migrations.CreateModel(
                name='FinancialCriteriaAttr',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('formula_value', models.TextField(blank=True, help_text='Formula of the value on both sides.', null=True)),
                    ('define_unique_attributes', metabrm.fields.FlagField(db_default=False, default=False, help_text='The two sides have values of their own.')),
                    ('debit_attribute_value', models.TextField(blank=True, help_text='Formula of the value on the debit side.', null=True)),
                    ('credit_attribute_value', models.TextField(blank=True, help_text='Formula of the value on the credit side.', null=True)),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('entity_field', models.ForeignKey(blank=True, help_text='The field of GENERAL_LEDGER_TRANSACTION that is written.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='entities.entityfield')),
                    ('financial_criteria', models.ForeignKey(blank=True, help_text='The rule that makes the rows.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='ledger.financialcriteria')),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'general ledger attribute',
                    'verbose_name_plural': 'general ledger attributes',
                },
            ),
            migrations.CreateModel(
                name='GeneralLedgerTransaction',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('transaction_date', models.DateField(blank=True, db_index=True, help_text='Day it is booked on.', null=True)),
                    ('amount', metabrm.fields.MoneyField(blank=True, decimal_places=10, help_text='Amount of this side.', max_digits=28, null=True)),
                    ('financial_account_type', models.CharField(blank=True, help_text='Which side of the entry it is.', max_length=100, null=True)),
                    ('period_start_date', models.DateField(blank=True, help_text='First day it is about.', null=True)),
                    ('period_end_date', models.DateField(blank=True, help_text='Last day it is about.', null=True)),
                    ('pre_period_enforce_date', models.DateField(blank=True, help_text="Day it would be booked on, had that day's period not been closed.", null=True, verbose_name='date before period enforcement')),
                    ('je_type', models.CharField(blank=True, help_text='Kind of the journal entry.', max_length=100, null=True, verbose_name='journal entry type')),
                    ('journal_entry_id', models.CharField(blank=True, db_index=True, help_text='What the sides of one entry have in common.', max_length=100, null=True)),
                    ('transaction_id', models.CharField(blank=True, help_text='What entries of one event have in common.', max_length=100, null=True)),
                    ('source', models.CharField(blank=True, help_text='What made the entry.', max_length=255, null=True)),
                    ('reversal_status', models.CharField(blank=True, help_text='Whether it reverses another entry, or is reversed.', max_length=100, null=True)),
                    ('catch_up_adjustment_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='It makes up for what earlier periods would have had.')),
                    ('object_id', models.BigIntegerField(blank=True, help_text='Id of the record it was made from.', null=True)),
                    ('payment_item_invoice_detail_id', models.BigIntegerField(blank=True, help_text='Id of the part of a payment that covers a charge.', null=True)),
                    ('credit_item_invoice_detail_id', models.BigIntegerField(blank=True, help_text='Id of the part of a credit that covers a charge.', null=True)),
                    ('accrual_id', models.BigIntegerField(blank=True, help_text='Id of the accrual it was made from.', null=True)),
                    ('origin_revenue_contract_product_id', models.BigIntegerField(blank=True, help_text='Id of the product of that revenue contract.', null=True)),
                    ('rev_rec_contract_product_id', models.BigIntegerField(blank=True, help_text='Id of the revenue contract product it counts for.', null=True, verbose_name='revenue contract product id')),
                    ('revrec_contract_product_event_id', models.BigIntegerField(blank=True, help_text='Id of the event of that product.', null=True, verbose_name='revenue contract product event id')),
                    ('performance_obligation', models.BigIntegerField(blank=True, help_text='Id of the obligation that was met.', null=True)),
                    ('account', models.ForeignKey(blank=True, help_text='The customer it is about.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.account')),
                    ('accounting_period', models.ForeignKey(blank=True, help_text='The period it is booked in.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.accountingperiod')),
                ],
                options={
                    'verbose_name': 'general ledger transaction',
                    'verbose_name_plural': 'general ledger transactions',
                },
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='billing_activity',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The charge it was made from.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mediation.activity'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='created_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='credit',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The credit it was made from.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='receivables.credit'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='currency',
                field=models.ForeignKey(blank=True, db_column='currency_code', db_index=False, help_text='Currency of the amount, by its code.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localization.currency', to_field='currency_code'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='entity',
                field=models.ForeignKey(blank=True, db_index=False, help_text='The entity of the record it was made from.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='entities.entity'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='financial_account',
                field=models.ForeignKey(blank=True, help_text='The account it is posted to.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.financialaccount'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='financial_criteria',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The rule that made it.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='ledger.financialcriteria'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='financial_period',
                field=models.ForeignKey(blank=True, help_text='The period its revenue belongs to.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.accountingperiod'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='invoice',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The invoice it was made from.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='invoicing.invoice'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='origin_revenue_contract',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The revenue contract it comes from.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='recognition.revreccontract'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='payment',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The payment it was made from.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='receivables.payment'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='refund',
                field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The refund it was made from.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='receivables.refund'),
            ),
            migrations.AddField(
                model_name='generalledgertransaction',
                name='updated_user',
                field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
            ),
            migrations.AddConstraint(
                model_name='accountingperiod',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('name',), name='ledger_accountingperiod_name_key'),
            ),
            migrations.AddConstraint(
                model_name='accountingperiod',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('start_date', 'end_date'), name='ledger_accountingperiod_start_date_end_date_key'),
            ),
            migrations.AddConstraint(
                model_name='accountingperiod',
                constraint=models.CheckConstraint(condition=models.Q(('end_date__gte', models.F('start_date'))), name='ledger_accountingperiod_ends_after_start', violation_error_message='EndDate is not before StartDate'),
            ),
            migrations.AddConstraint(
                model_name='financialaccount',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('account_number',), name='ledger_financialaccount_account_number_key'),
            ),
            migrations.AddConstraint(
                model_name='financialaccount',
                constraint=models.CheckConstraint(condition=models.Q(('parent_financial_account', models.F('id')), _negated=True), name='ledger_financialaccount_not_its_own_parent', violation_error_message='ParentFinancialAccountId is an account other than itself'),
            ),
            migrations.AddConstraint(
                model_name='financialcriteria',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='ledger_financialcriteria_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='financialcriteriaattr',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='ledger_financialcriteriaattr_external_key_key'),
            ),
            migrations.AddIndex(
                model_name='generalledgertransaction',
                index=models.Index(condition=models.Q(('object_id__isnull', False)), fields=['entity', 'object_id'], name='ledger_transaction_object'),
            ),
            migrations.AddIndex(
                model_name='generalledgertransaction',
                index=models.Index(condition=models.Q(('invoice__isnull', False)), fields=['invoice'], name='ledger_transaction_invoice'),
            ),
            migrations.AddIndex(
                model_name='generalledgertransaction',
                index=models.Index(condition=models.Q(('billing_activity__isnull', False)), fields=['billing_activity'], name='ledger_transaction_activity'),
            ),
            migrations.AddConstraint(
                model_name='generalledgertransaction',
                constraint=models.CheckConstraint(condition=models.Q(('period_end_date__gte', models.F('period_start_date'))), name='ledger_transaction_period_ends_after_start', violation_error_message='PeriodEndDate is not before PeriodStartDate'),
            ),
        ]),
    ]
