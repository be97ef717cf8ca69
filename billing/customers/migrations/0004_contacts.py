import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_account_balance'),
        ('localization', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.AddField(
                model_name='accountproduct',
                name='sf_last_sync',
                field=models.DateTimeField(blank=True, help_text='When it was last brought in line with it.', null=True, verbose_name='Salesforce last sync'),
            ),
            migrations.AddField(
                model_name='accountproduct',
                name='sf_record_id',
                field=models.CharField(blank=True, help_text='Id of its counterpart in Salesforce.', max_length=100, null=True, verbose_name='Salesforce record id'),
            ),
            migrations.AddField(
                model_name='accountproduct',
                name='sf_status_error',
                field=models.CharField(blank=True, help_text='Why it could not be brought in line.', max_length=4000, null=True, verbose_name='Salesforce error'),
            ),
            migrations.AddField(
                model_name='accountproduct',
                name='sf_sync_batch_id',
                field=models.CharField(blank=True, help_text='Id of the batch that did it.', max_length=100, null=True, verbose_name='Salesforce batch id'),
            ),
            migrations.AddField(
                model_name='billingprofile',
                name='e_credit_template',
                field=models.CharField(blank=True, help_text='Template of electronic credit notes.', max_length=255, null=True),
            ),
            migrations.AddField(
                model_name='billingprofile',
                name='e_invoice_profile',
                field=models.CharField(blank=True, help_text='Profile that electronic invoices are sent by.', max_length=255, null=True),
            ),
            migrations.AddField(
                model_name='billingprofile',
                name='e_invoice_template',
                field=models.CharField(blank=True, help_text='Template of electronic invoices.', max_length=255, null=True),
            ),
            migrations.CreateModel(
                name='AccountContact',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('name', models.CharField(help_text='Full name.', max_length=255)),
                    ('first_name', models.CharField(blank=True, help_text='First name.', max_length=100, null=True)),
                    ('last_name', models.CharField(blank=True, help_text='Last name.', max_length=100, null=True)),
                    ('job_title', models.CharField(blank=True, help_text='What the person does at the account.', max_length=100, null=True)),
                    ('status', metabrm.fields.ListField(default='ACTIVE', help_text='Whether the person may be contacted.', max_length=100)),
                    ('default_flag', metabrm.fields.FlagField(db_default=False, default=False, help_text='The one to contact where no category asks for another.')),
                    ('email', models.CharField(blank=True, help_text='Mail address.', max_length=255, null=True)),
                    ('phone', models.CharField(blank=True, help_text='Telephone number.', max_length=50, null=True)),
                    ('mobile_phone', models.CharField(blank=True, help_text='Mobile telephone number.', max_length=50, null=True)),
                    ('fax', models.CharField(blank=True, help_text='Fax number.', max_length=50, null=True)),
                    ('address1', models.CharField(blank=True, help_text='First line of the address.', max_length=255, null=True, verbose_name='address line 1')),
                    ('address2', models.CharField(blank=True, help_text='Second line of the address.', max_length=255, null=True, verbose_name='address line 2')),
                    ('city', models.CharField(blank=True, help_text='City.', max_length=100, null=True)),
                    ('state', models.CharField(blank=True, help_text='State, province or county.', max_length=100, null=True)),
                    ('zip', models.CharField(blank=True, help_text='Postal code.', max_length=30, null=True, verbose_name='postal code')),
                    ('country', models.CharField(blank=True, help_text='Country.', max_length=100, null=True)),
                    ('description', models.TextField(blank=True, help_text='Anything worth knowing.', null=True)),
                    ('account', models.ForeignKey(help_text='The account the person belongs to.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.account')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('language', models.ForeignKey(blank=True, db_column='language_code', db_index=False, help_text='Language the person is written to in, by its code.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localization.language', to_field='language_code')),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'account contact',
                    'verbose_name_plural': 'account contacts',
                },
            ),
            migrations.CreateModel(
                name='ContactType',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('name', models.CharField(help_text='Name of the category; unique.', max_length=255)),
                    ('description', models.CharField(blank=True, help_text='What contacts of this category are asked about.', max_length=1000, null=True)),
                    ('status', metabrm.fields.ListField(default='ACTIVE', help_text='Whether contacts may be filed under it.', max_length=100)),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'contact category',
                    'verbose_name_plural': 'contact categories',
                },
            ),
            migrations.CreateModel(
                name='AccountContactType',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('account_contact', models.ForeignKey(db_index=False, help_text='The person who is filed.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.accountcontact')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('contact_type', models.ForeignKey(help_text='The category the person is filed under.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.contacttype')),
                ],
                options={
                    'verbose_name': 'category of a contact',
                    'verbose_name_plural': 'categories of contacts',
                },
            ),
            migrations.AddField(
                model_name='accountcontact',
                name='contact_type',
                field=models.ForeignKey(blank=True, help_text='What the person is asked about first of all.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.contacttype'),
            ),
            migrations.CreateModel(
                name='Subscription',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('deleted_at', models.DateTimeField(editable=False, null=True)),
                    ('external_key', models.CharField(blank=True, help_text="The integrator's own key for this record; unique. Upserts and lookups use it.", max_length=255, null=True)),
                    ('quantity', metabrm.fields.QuantityField(decimal_places=10, default=1, help_text='How many units are charged each time.', max_digits=28)),
                    ('start_date', models.DateField(blank=True, help_text='First day of the subscription.', null=True)),
                    ('end_date', models.DateField(blank=True, help_text='Last day of the subscription; empty = no end.', null=True)),
                    ('run_count', models.PositiveIntegerField(default=0, help_text='How often charges were made.')),
                    ('last_run_time', models.DateTimeField(blank=True, help_text='When charges were made last.', null=True)),
                    ('account', models.ForeignKey(blank=True, help_text='The account that is charged.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.account')),
                    ('created_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('updated_user', models.ForeignKey(db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'subscription',
                    'verbose_name_plural': 'subscriptions',
                },
            ),
            migrations.AddConstraint(
                model_name='contacttype',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('name',), name='customers_contacttype_name_key'),
            ),
            migrations.AddIndex(
                model_name='accountcontacttype',
                index=models.Index(fields=['account_contact'], name='customers_contacttype_contact'),
            ),
            migrations.AddConstraint(
                model_name='accountcontacttype',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='customers_accountcontacttype_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='accountcontacttype',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('account_contact', 'contact_type'), name='customers_accountcontacttype_account_contact_contact_type_key'),
            ),
            migrations.AddConstraint(
                model_name='accountcontact',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='customers_accountcontact_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='subscription',
                constraint=models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('external_key',), name='customers_subscription_external_key_key'),
            ),
            migrations.AddConstraint(
                model_name='subscription',
                constraint=models.CheckConstraint(condition=models.Q(('end_date__gte', models.F('start_date'))), name='customers_subscription_ends_after_start', violation_error_message='EndDate is not before StartDate'),
            ),
        ]),
    ]
